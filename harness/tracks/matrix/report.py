"""What methods recovered of one matrix side by side: the true one first, then a tile a method with its error."""

from __future__ import annotations

from collections.abc import Sequence

from ...boards.board import Board
from ...report.plots.drawing import Plot
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import Shown, tile_panels

RECOVERED = Shown(
    part="recovered",
    beside="truth",
    title="true matrix",
    below="and what was measured",
    words="matrices",
    caption="{item} on {board}: the true matrix beside what was measured, then what each method recovered beside "
    "its error, on the same scale; above each the method and its score on this matrix. Not measured: yellow.",
    each=4,
)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """What each method recovered of one matrix, and its errors."""
    return tile_panels(boards, most, notes, sheet, RECOVERED)
