"""The graphs that methods found side by side with the true one: a tile a method, its name and its score, best first."""

from __future__ import annotations

from ...report.plots.side_by_side import TilePanels

panels = TilePanels(
    part="graph",
    beside="truth",
    title="true graph",
    below="",
    words="graphs",
    caption="{item} on {board}: causes by row, effects by column, in the order of the true graph. Blue: edges that "
    "are true; orange: those that are not; grey: those that are missing. Above each its method and its score.",
    each=5,
)
