"""Set metrics as tables: a value a method, its error, and the floor beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ..boards.board import Board
from ..boards.set_metrics import LABELS, BoardSets, SetColumn, SetValue
from ..text.notation import Notation, notation_of_digits
from ..text.wording import by_number
from .escape import latex, markdown, spreadsheet
from .latex_table import USUAL, Width
from .tables import TextTable, csv_text, latex_float, latex_lines, to_markdown


def explain_sets(words: Mapping[str, str], upwards: bool = False, reference: bool = True) -> tuple[str, ...]:
    """How set metrics are read, in the words of a track; `upwards`, where of some of them a larger value is better.

    `reference` says that some are against a reference set.
    """
    if not reference:
        return (
            f"One value for what a method makes of all {words['items']} of the set; lower is "
            f"better{', where there is no ↑' if upwards else ''}. ±: standard error. These values take no part in any "
            "ranking or mean.",
        )
    return (
        f"One value for what a method makes of all {words['items']} of the set, against the reference; lower is "
        f"better{', where there is no ↑' if upwards else ''}. ±: standard error; in brackets: 95 % interval. These "
        "values take no part in any ranking or mean.",
        f"Floor: what the true {words['items']} themselves score (two halves of them, or all against a reference "
        f"file); halves hold other {words['items']} and half as many, so a method may well be below. small-n: below "
        "2,048, where a Fréchet distance is mostly bias.",
    )


def explain_board_sets(board: Board, sets: BoardSets) -> tuple[str, ...]:
    """How the set metrics of a board are read."""
    return explain_sets(board.words, has_upwards(sets), any(column.reference != LABELS for column in sets.columns))


HEAD = ("value", "floor", "N", "flags", "note")


def value_text(value: float | None, error: float | None, interval: Any, notation: Notation) -> str:
    """A value with its error or interval."""
    if value is None or math.isnan(value):
        return "n/d"
    text = notation.text(value) + ("" if error is None else f" ± {notation.text_of_digits(error, 2)}")
    return text + (" [{}, {}]".format(*map(notation.text, interval)) if interval else "")


def _cells(value: SetValue, notation: Notation) -> tuple[str, ...]:
    return (
        value_text(value.value, value.error, value.interval, notation),
        notation.text(value.floor),
        str(value.n),
        ", ".join(value.flags),
        value.note,
    )


def set_table(sets: BoardSets) -> TextTable:
    """A row a method and set metric, best first within a metric; what has no value comes last, with its reason."""
    rows: list[tuple[str, ...]] = []
    for column in sets.columns:
        methods = [(label, values[column.label]) for label, values in sets.values.items() if column.label in values]
        sign = -1 if column.higher else 1
        methods.sort(key=lambda pair: (math.isnan(pair[1].value), sign * pair[1].value, by_number(pair[0])))
        if len({value.note for _, value in methods}) == 1 and all(math.isnan(value.value) for _, value in methods):
            methods = [("all methods", methods[0][1])]
        name = f"{column.label} ↑" if column.higher else column.label
        notation = notation_of_digits(value.value for _, value in methods)
        rows += [(name, label, *_cells(value, notation)) for label, value in methods]
    return TextTable(("set metric ↓", "method", *HEAD), (False, False, True, True, True, False, False), tuple(rows))


def wide_set_table(sets: BoardSets) -> TextTable:
    """A row a method and a column a set metric, in the order of the board; below them the floors and the numbers N."""
    names = [column.label for column in sets.columns]
    notations = {
        name: notation_of_digits(values[name].value for values in sets.values.values() if name in values)
        for name in names
    }
    rows = [
        (label, *(_with_flags(values.get(name), notations[name]) for name in names))
        for label, values in sets.values.items()
    ]
    floors = [_common(sets, name, partial(_floor, notations[name])) for name in names]
    counts = [_common(sets, name, lambda value: str(value.n)) for name in names]
    head = [f"{column.label} ↑" if column.higher else column.label for column in sets.columns]
    below = [("floor", *floors), ("N", *counts)]
    return TextTable(("method", *head), (False, *(True for _ in names)), (*rows, *below))


def _with_flags(value: SetValue | None, notation: Notation) -> str:
    if value is None:
        return "–"
    text = value_text(value.value, value.error, value.interval, notation)
    return f"{text} ({', '.join(value.flags)})" if value.flags else text


def _floor(notation: Notation, value: SetValue) -> str:
    return notation.text(value.floor)


def _common(sets: BoardSets, name: str, text: Callable[[SetValue], str]) -> str:
    """What all values of a set metric have in common, a dash where they differ."""
    texts = {text(values[name]) for values in sets.values.values() if name in values}
    return texts.pop() if len(texts) == 1 else "–"


def set_facts(sets: BoardSets) -> list[str]:
    """What each set metric rests on, a line each."""
    return [
        f"{c.label}: version {c.version}, features {c.features} ({_width_and_hash(c)}), "
        + (f"{c.resize}, " if c.resize else "")
        + f"reference {c.reference}"
        for c in sets.columns
    ]


def _width_and_hash(column: SetColumn) -> str:
    """What tells features apart that have one name; those of a recipe have no width before it is trained."""
    sha256 = f"SHA-256 {column.features_sha256[:12]}…" if column.features_sha256 else ""
    width = "" if sha256 and not column.d else str(column.d)
    return ", ".join(filter(None, (width, sha256)))


def sets_markdown(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> list[str]:
    """The lines of a section for all boards that have set metrics, none where none has."""
    out: list[str] = []
    notes: dict[str, None] = {}
    for board, board_sets in _with_sets(boards, sets):
        notes |= dict.fromkeys(explain_board_sets(board, board_sets))
        out += [f"### {markdown(board.title)}", "", markdown(f"protocol {board.protocol} · {board.seeds_text}"), ""]
        out += [*to_markdown(set_table(board_sets)), "", *(f"- {markdown(line)}" for line in set_facts(board_sets)), ""]
    return ["## Set metrics", "", *map(markdown, notes), "", *out] if out else []


def sets_latex(boards: Sequence[Board], sets: Sequence[BoardSets | None], width: Width = USUAL) -> str:
    """A table a board that has set metrics."""
    out: list[str] = []
    for board, board_sets in _with_sets(boards, sets):
        caption = " ".join([latex(f"{board.title}: set metrics."), *map(latex, explain_board_sets(board, board_sets))])
        below = r"\par\footnotesize " + latex_lines([latex(line) for line in set_facts(board_sets)])
        out += latex_float(caption, set_table(board_sets), below=below, width=width)
    return "\n".join([*out, ""]) if out else ""


def has_upwards(sets: BoardSets) -> bool:
    """Whether of a set metric a larger value is better."""
    return any(column.higher for column in sets.columns)


def _with_sets(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> list[tuple[Board, BoardSets]]:
    return [(board, board_sets) for board, board_sets in zip(boards, sets, strict=True) if board_sets is not None]


def sets_csv(boards: Sequence[Board], sets: Sequence[BoardSets | None]) -> str:
    """A row a method and set metric, numbers in full; only a head where there is none."""
    head = ["dataset", "regime", "protocol", "seeds", "method", "set_metric", "value", "error", "interval_low",
            "interval_high", "n", "d", "floor", "flags", "note", "reference", "features_sha256", "resize"]  # fmt: skip
    rows: list[list[Any]] = []
    for board, board_sets in _with_sets(boards, sets):
        place = [*map(spreadsheet, (board.dataset, board.regime, board.protocol)), ",".join(map(str, board.seeds))]
        for column in board_sets.columns:
            for label, values in board_sets.values.items():
                if column.label in values:
                    rows.append([*place, spreadsheet(label), *_line(column, values[column.label])])
    return csv_text(head, rows)


def _line(column: SetColumn, value: SetValue) -> list[Any]:
    low, high = value.interval or (None, None)
    return [
        spreadsheet(column.label), *(_full(x) for x in (value.value, value.error, low, high)), value.n, column.d,
        _full(value.floor), spreadsheet(",".join(value.flags)), spreadsheet(value.note), spreadsheet(column.reference),
        spreadsheet(column.features_sha256), spreadsheet(column.resize),
    ]  # fmt: skip


def sets_values(sets: BoardSets) -> dict[str, Any]:
    """Columns and values for JSON; a value that is not defined is NaN here."""
    return {
        "columns": {c.label: {k: v for k, v in vars(c).items() if k != "label"} for c in sets.columns},
        "rows": {label: {m: vars(v) for m, v in values.items()} for label, values in sets.values.items() if values},
    }


def _full(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.9g}"


def part_table(parts: Mapping[str, Any]) -> TextTable:
    """`SetPart`s of one set, a row each."""
    rows = []
    for name, p in parts.items():
        interval = tuple(p["interval"]) if p["interval"] else None
        value = SetValue(
            math.nan if p["value"] is None else p["value"], p["error"], interval, p["n"], p["floor"], tuple(p["flags"]),
            p["note"],
        )  # fmt: skip
        rows.append((name, *_cells(value, notation_of_digits([value.value]))))
    return TextTable(("set metric ↓", *HEAD), (False, True, True, True, False, False), tuple(rows))
