"""Samples of one batch side by side: the same latents in the same places, with name and score of each method."""

from __future__ import annotations

from ...report.plots.side_by_side import TilePanels

panels = TilePanels(
    part="samples",
    beside="reference",
    title="reference",
    below="pictures of the set",
    words="samples",
    caption="Samples of {item} on {board}, each in the place of its latents, which are the same for every method; "
    "above each the method and its score on this batch.",
    each=3,
)
