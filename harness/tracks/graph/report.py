"""The graphs that methods found side by side with the true one: a tile a method, its name and its score, best first."""

from __future__ import annotations

from collections.abc import Sequence

from ...boards.board import Board
from ...report.plots.drawing import Plot
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import Shown, tile_panels

GRAPHS = Shown(
    part="graph",
    beside="truth",
    title="true graph",
    below="",
    words="graphs",
    caption="{item} on {board}: causes by row, effects by column, in the order of the true graph. Blue: edges that "
    "are true; orange: those that are not; grey: those that are missing. Above each its method and its score.",
    each=5,
)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """The graphs that were found side by side with the true one."""
    return tile_panels(boards, most, notes, sheet, GRAPHS)
