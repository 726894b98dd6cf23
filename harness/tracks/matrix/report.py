"""What methods recovered of one matrix side by side: the true one first, then a tile a method with its error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...boards.board import Board
from ...boards.rows import Row
from ...report.escape import slug
from ...report.plots.axis_text import metric_name
from ...report.plots.drawing import Plot
from ...report.plots.selection import limited
from ...report.plots.sheets import Sheet
from ...report.plots.tiles import Tile, draw_tiles
from ...report.tables import number as number_text
from ...store.record import Panel
from ...wording import counted

MOST, EACH = 23, 4


def recovery_panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """A plot for each board of which matrices were drawn, those with most methods first, at most `most`."""
    shown = sorted((board for board in boards if _drawn(board)), key=lambda board: -len(board.rows))
    chosen = limited(shown, most, "matrices", notes)
    plots = [draw_board(board, number, sheet) for number, board in enumerate(chosen, 1)]
    return [plot for plot in plots if plot is not None]


def _drawn(board: Board) -> list[tuple[Row, Panel]]:
    """Rows with a drawing of the one matrix that most of them show."""
    found = [
        (row, row.panel)
        for row in board.rows
        if row.panel is not None and "recovered" in row.panel.parts and row.inputs == board.inputs
    ]
    count = Counter(panel.item for _, panel in found)
    item = min(count, key=lambda name: (-count[name], name), default="")
    return [(row, panel) for row, panel in found if panel.item == item]


def draw_board(board: Board, number: int, sheet: Sheet) -> Plot | None:
    """The true matrix beside what was measured, then matrix and error of each method, best first; None without."""
    found = _drawn(board)
    item = found[0][1].item
    tiles = [Tile("true matrix", "and what was measured", found[0][1].parts.get("truth", b""))]
    tiles += [Tile(row.label, _score(board, row, item), panel.parts["recovered"]) for row, panel in found]
    caption = (
        f"{item} on {board.title}: the true matrix beside what was measured, then what each method recovered beside "
        "its error, on the same scale; above each the method and its score on this matrix. Not measured: yellow."
    )
    name, heading = f"drawing-{number:02d}-{slug(board.title, 48)}", f"{board.title}, {item}"
    plot, left_out = draw_tiles(name, heading, caption, tiles, sheet, each=EACH, most=MOST + 1)
    if plot is None or not left_out:
        return plot
    more = f"{caption} {counted(left_out, 'method is', 'methods are')} left out."
    return draw_tiles(name, heading, more, tiles, sheet, each=EACH, most=MOST + 1)[0]


def _score(board: Board, row: Row, item: str) -> str:
    """The score on the matrix that is shown, in the metric of the ranking."""
    column = board.rank_by
    if column is None or item not in board.items:
        return ""
    value = float(row.scores[column.label].by_item[board.items.index(item)])
    return f"{metric_name(board.track, column.label)} {number_text(value, column.decimals)}"
