"""What the methods of a board got wrong: the items that most have wrong, and what each method took them for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...boards.board import Board
from ...boards.rows import Row
from ...store.mistakes import PICTURED
from ...store.record import Mistake
from ...text.errors import one_line
from ...text.wording import counted
from ..escape import slug
from .drawing import MAX_LINES, Plot, blank_canvas, fit, legend_names, save, shared, text_width
from .selection import limited
from .sheets import Sheet
from .tiles import decoded

SHOWN = 8
"""Items on a plot, at most."""
EDGE, GAP, HEAD, TILE, LEAST = 0.06, 0.06, 0.34, 0.9, 0.56
"""Inches: margin, space between pictures, room for the heading, and how wide a picture is, at most and at least."""
RIGHT, SOFT, WRONG, RULE = "✓", "#5b6470", "#a3162a", "#c9ced6"
"""What stands for a right answer, and colours: of quiet text, of a wrong answer, of lines."""
_BESIDE = ("baseline", "sanity", "optimum")
"""Roles of methods that show nothing by what they get wrong."""


@dataclass(frozen=True)
class Answered:
    """A method, and the items of a board that it got wrong, by their names."""

    row: Row
    wrong: Mapping[str, Mistake]


def mistake_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which pictures of mistakes were kept, those with most methods first, at most `most`."""
    candidates = sorted((board for board in boards if most_wrong(board)), key=lambda board: -len(answered(board)))
    chosen = limited(candidates, most, "what was got wrong", notes)
    plots = [_draw(board, number, sheet) for number, board in enumerate(chosen, 1)]
    return [plot for plot in plots if plot is not None]


def answered(board: Board) -> list[Answered]:
    """The methods of a board whose mistakes are known, best first, without those that are there as a reference."""
    items = set(board.items)
    return [
        Answered(row, {one.item: one for one in row.mistakes if one.item in items})
        for row in board.rows
        if row.mistakes is not None and row.inputs == board.inputs and row.role not in _BESIDE
    ]


def most_wrong(board: Board) -> list[Mistake]:
    """Of each item that was got wrong and has a picture the best method's mistake with it, at most `SHOWN`.

    Those that most methods have wrong come first, and of as many in the order of items.
    """
    count: Counter[str] = Counter()
    pictured: dict[str, Mistake] = {}
    for one in answered(board):
        count.update(one.wrong.keys())
        for item, mistake in one.wrong.items():
            if mistake.picture is not None:
                pictured.setdefault(item, mistake)
    order = {item: n for n, item in enumerate(board.items)}
    return [pictured[item] for item in sorted(pictured, key=lambda item: (-count[item], order[item]))[:SHOWN]]


def _draw(board: Board, number: int, sheet: Sheet) -> Plot | None:
    """Pictures above a table: the truth, then a line a method with its answer to each. None without a picture."""
    k, methods = sheet.scale, answered(board)
    pictures = [(one, picture) for one in most_wrong(board) if (picture := decoded(one.picture or b"")) is not None]
    if not pictures:
        return None
    total, truth = f"of {len(board.items)}", f"true {board.words['truth']}"
    named = min(max(text_width(text, sheet.text) for text in (truth, *(m.row.label for m in methods))), sheet.width / 3)
    wrong = max(text_width(text, sheet.text) for text in ("wrong", total))
    margin = EDGE + named + 0.12 * k + wrong + 0.14 * k
    pictures = pictures[: max(1, int((sheet.width - EDGE - margin + GAP) / (LEAST * k + GAP)))]
    wide = min(TILE * k, (sheet.width - EDGE - margin + GAP) / len(pictures) - GAP)
    rise = min(wide * max(picture.shape[0] / picture.shape[1] for _, picture in pictures), 2 * wide)
    items = [one.item for one, _ in pictures]
    texts = [[_answer(method.wrong.get(item)) for item in items] for method in methods]
    apart = any(text_width(_answer_text(*text), sheet.text) > wide for line in texts for text in line)
    line, step = sheet.line, sheet.line * (2.2 if apart else 1.35)
    top = HEAD * k + 1.2 * line
    room = int((sheet.height - top - rise - 1.6 * line - EDGE) / step)
    drawn = min(len(methods), max(1, room), MAX_LINES)
    height = top + rise + 1.6 * line + drawn * step + EDGE
    canvas = blank_canvas(sheet.width, height)
    centres = [margin + n * (wide + GAP) + wide / 2 for n in range(len(pictures))]
    edge = height - top
    under = edge - rise - 0.8 * line
    bare = items if all(text_width(item, sheet.text) <= wide for item in items) else _without_shared(items)
    ids = legend_names(bare, wide, sheet.text)
    text = {"fontsize": sheet.text, "va": "center"}
    for centre, item, (one, picture) in zip(centres, bare, pictures, strict=True):
        tall = min(rise, wide * picture.shape[0] / picture.shape[1])
        across = tall * picture.shape[1] / picture.shape[0] / 2
        box = (centre - across, centre + across, edge - rise, edge - rise + tall)
        canvas.imshow(picture, extent=box, aspect="auto", interpolation="nearest", cmap="gray", vmin=0, vmax=1)
        canvas.text(centre, edge + 0.6 * line, ids[item], ha="center", color=SOFT, **text)
        canvas.text(centre, under, fit(one.truth, wide, sheet.text), ha="center", **text)
    counts = EDGE + named + 0.12 * k + wrong
    canvas.text(EDGE, under, truth, ha="left", color=SOFT, **text)
    canvas.text(counts, under + 1.1 * line, "wrong", ha="right", color=SOFT, **text)
    canvas.text(counts, under, total, ha="right", color=SOFT, **text)
    names = legend_names([method.row.label for method in methods[:drawn]], named, sheet.text)
    for n, (method, answers) in enumerate(zip(methods[:drawn], texts, strict=False)):
        ceiling = edge - rise - 1.6 * line - n * step
        middle = ceiling - step / 2
        canvas.plot([EDGE, centres[-1] + wide / 2], [ceiling, ceiling], color=RULE, linewidth=0.6 * k)
        canvas.text(EDGE, middle, names[method.row.label], ha="left", **text)
        canvas.text(counts, middle, str(len(method.wrong)), ha="right", **text)
        for centre, (answer, likely) in zip(centres, answers, strict=True):
            if answer == RIGHT and not likely:
                canvas.text(centre, middle, answer, ha="center", color=SOFT, **text)
            elif apart and likely:
                answer = fit(answer, wide, sheet.text)
                canvas.text(centre, middle + 0.5 * line, answer, ha="center", color=WRONG, **text)
                canvas.text(centre, middle - 0.5 * line, likely, ha="center", color=WRONG, **text)
            else:
                answer = fit(_answer_text(answer, likely), wide, sheet.text)
                canvas.text(centre, middle, answer, ha="center", color=WRONG, **text)
    canvas.set(xlim=(0, sheet.width), ylim=(0, height))
    head = fit(f"{board.title}: what most methods got wrong", sheet.width - 0.4, sheet.heading)
    canvas.text(sheet.width / 2, height - 0.16 * k, head, ha="center", va="center", fontsize=sheet.heading)
    caption = _caption(board, methods, len(methods) - drawn)
    return save(canvas.figure, f"mistakes-{number:02d}-{slug(board.title, 48)}", one_line(caption, 900))


def _without_shared(names: Sequence[str]) -> list[str]:
    """Names without the words that all of them begin with."""
    alike = names[0][: shared(names)] if len(names) > 1 else ""
    cut = max(alike.rfind(mark) for mark in "_-/ ") + 1
    return [name[cut:] for name in names]


def _answer(mistake: Mistake | None) -> tuple[str, str]:
    """What a method said and how likely it held that to be, as a plot has them."""
    if mistake is None:
        return RIGHT, ""
    return mistake.answer, "" if mistake.likely is None else f"{mistake.likely:.2f}"


def _answer_text(answer: str, likely: str) -> str:
    return f"{answer} ({likely})" if likely else answer


def _caption(board: Board, methods: Sequence[Answered], left_out: int) -> str:
    items, item = board.words["items"], board.words["item"]
    seed = f" with seed {board.seeds[0]}" if len(board.seeds) > 1 else ""
    known = any(one.likely is not None for method in methods for one in method.wrong.values())
    likely = ", with the probability that it gave to that" if known else ""
    parts = [
        f"{items.capitalize()} of {board.title} that most methods got wrong{seed}, as they were given. Below each the "
        f"true {board.words['truth']}, then what each method took it for{likely}; {RIGHT} is right."
    ]
    parts.append(f"Each {item} is one of the first {PICTURED} that some method got wrong: of these a {item} is kept.")
    if left_out:
        parts.append(f"{counted(left_out, 'method is', 'methods are')} left out.")
    return " ".join(parts)
