"""What the methods of a board made of one item, side by side: one way for any track that keeps small pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...boards.board import Board
from ...boards.rows import Row
from ...store.record import Panel
from ...text.wording import counted
from ..escape import slug
from ..tables import number as number_text
from .axis_text import metric_name
from .drawing import Plot
from .selection import limited
from .sheets import Sheet
from .tiles import Tile, draw_tiles

_MOST = 24


@dataclass(frozen=True)
class Shown:
    """What is drawn of a panel: its `part` for each method, behind its part `beside`, under `title` and `below`.

    `words` is what a note calls them; of `caption` {item} and {board} are filled in. `each`: so many in a band. `also`
    are further parts that stand once, in front of the methods: each a part with its title and its second line.
    """

    part: str
    beside: str
    title: str
    below: str
    words: str
    caption: str
    each: int
    also: tuple[tuple[str, str, str], ...] = ()


def tile_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet, shown: Shown) -> list[Plot]:
    """A plot for each board that has such panels, those with most methods first, at most `most`."""
    found = sorted((board for board in boards if _drawn(board, shown)), key=lambda board: -len(board.rows))
    chosen = limited(found, most, shown.words, notes)
    plots = [_draw_board(board, number, sheet, shown) for number, board in enumerate(chosen, 1)]
    return [plot for plot in plots if plot is not None]


def _drawn(board: Board, shown: Shown) -> list[tuple[Row, Panel]]:
    """Rows with a panel of the one item that most of them show."""
    found = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and shown.part in row.panel.parts and row.inputs == board.inputs
    ]
    count = Counter(panel.item for _, panel in found)
    item = min(count, key=lambda name: (-count[name], name), default="")
    return [(row, panel) for row, panel in found if panel.item == item]


def _draw_board(board: Board, number: int, sheet: Sheet, shown: Shown) -> Plot | None:
    """What stands beside, then what each method made, best first; None without a picture."""
    found = _drawn(board, shown)
    item = found[0][1].item
    once = ((shown.beside, shown.title, shown.below), *shown.also)
    tiles = [Tile(title, below, found[0][1].parts.get(part, b"")) for part, title, below in once]
    tiles += [Tile(row.label, _score(board, row, item), panel.parts[shown.part]) for row, panel in found]
    caption = shown.caption.format(item=item, board=board.title)
    name, heading = f"drawing-{number:02d}-{slug(board.title, 48)}", f"{board.title}, {item}"
    plot, left_out = draw_tiles(name, heading, caption, tiles, sheet, each=shown.each, most=_MOST)
    if plot is None or not left_out:
        return plot
    more = f"{caption} {counted(left_out, 'method is', 'methods are')} left out."
    return draw_tiles(name, heading, more, tiles, sheet, each=shown.each, most=_MOST)[0]


def _score(board: Board, row: Row, item: str) -> str:
    """The score on the item that is shown, in the metric of the ranking."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    value = float(row.scores[column.label].by_item[board.items.index(item)])
    return f"{metric_name(board.track, column.label)} {number_text(value, column.decimals)}"
