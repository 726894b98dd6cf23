"""What methods recovered of one matrix side by side: the true one first, then a tile a method with its error."""

from __future__ import annotations

from ...report.plots.side_by_side import TilePanels

panels = TilePanels(
    part="recovered",
    beside="truth",
    title="true matrix",
    below="and what was measured",
    words="matrices",
    caption="{item} on {board}: the true matrix beside what was measured, then what each method recovered beside "
    "its error, on the same scale; above each the method and its score on this matrix. Not measured: yellow.",
    each=4,
)
