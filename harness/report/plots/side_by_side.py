"""What the methods of a board made of one item, side by side: one way for any track that keeps small pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from ...boards.board import Board
from ...boards.rows import Column, Row
from ...store.record import Panel
from ...text.wording import counted
from ..escape import slug
from .axis_text import metric_name
from .drawing import Plot
from .selection import limited
from .sheets import Sheet
from .tiles import Tile, draw_tiles

_MOST = 24
RowPanel = tuple[Row, Panel]


@dataclass(frozen=True)
class TilePanels:
    """Plots of what is drawn of a panel: its `part` for each method, behind its part `beside`, under `title` and
    `below`.

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

    def __call__(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """A plot for each board that has such panels, those with most methods first, at most `most`."""
        shown = partial(rows_with_panels, parts=(self.part,))
        return plot_boards(boards, shown, partial(self._draw, sheet=sheet), self.words, most, notes)

    def _draw(self, board: Board, shown: Sequence[RowPanel], number: int, sheet: Sheet) -> Plot | None:
        """What stands beside, then what each method made, best first; None without a picture."""
        first = shown[0][1]
        once = ((self.beside, self.title, self.below), *self.also)
        tiles = [Tile(title, below, first.parts.get(part, b"")) for part, title, below in once]
        tiles += [Tile(row.label, _score(board, row, first.item), panel.parts[self.part]) for row, panel in shown]
        caption = self.caption.format(item=first.item, board=board.title)
        name, heading = f"drawing-{number:02d}-{slug(board.title, 48)}", f"{board.title}, {first.item}"
        plot, left_out = draw_tiles(name, heading, caption, tiles, sheet, each=self.each, most=_MOST)
        if plot is None or not left_out:
            return plot
        more = f"{caption} {counted(left_out, 'method is', 'methods are')} left out."
        return draw_tiles(name, heading, more, tiles, sheet, each=self.each, most=_MOST)[0]


def plot_boards(
    boards: Sequence[Board],
    shown: Callable[[Board], Sequence[RowPanel]],
    draw: Callable[[Board, Sequence[RowPanel], int], Plot | None],
    kind: str,
    most: int,
    notes: list[str],
) -> list[Plot]:
    """A plot for each board of which something is `shown`, those with most methods first, at most `most`."""
    candidates = [(board, rows) for board in boards if (rows := shown(board))]
    chosen = limited(sorted(candidates, key=lambda pair: -len(pair[0].rows)), most, kind, notes)
    plots = [draw(board, rows, number) for number, (board, rows) in enumerate(chosen, 1)]
    return [plot for plot in plots if plot is not None]


def rows_with_panels(board: Board, parts: Iterable[str]) -> list[RowPanel]:
    """Rows with a panel that has these parts, of the one item that most of them show."""
    rows = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and row.panel.parts.keys() >= set(parts) and row.inputs == board.inputs
    ]
    count = Counter(panel.item for _, panel in rows)
    item = min(count, key=lambda name: (-count[name], name), default="")
    return [(row, panel) for row, panel in rows if panel.item == item]


def score_with_unit(board: Board, row: Row, item: str) -> str:
    """`28.62 dB`: the score on the item that is shown, in the metric of the ranking; empty where it has none."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    return f"{_number(row, column, board, item)} {column.unit or metric_name(board.track, column.label)}"


def _score(board: Board, row: Row, item: str) -> str:
    """`PSNR 28.62`, likewise."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    return f"{metric_name(board.track, column.label)} {_number(row, column, board, item)}"


def _number(row: Row, column: Column, board: Board, item: str) -> str:
    return column.notation.text(float(row.scores[column.label].by_item[board.items.index(item)]))
