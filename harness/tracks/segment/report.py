"""Label maps of a picture side by side: the picture, the true map, and what each method found, with its score."""

from __future__ import annotations

from ...report.plots.side_by_side import TilePanels

panels = TilePanels(
    part="map",
    beside="picture",
    title="picture",
    below="as it was given",
    words="label maps",
    caption="Label maps of {item} on {board}: a colour a class, what is unlabelled in grey. White lines are where the "
    "true classes meet; above each map its method and its score.",
    each=4,
    also=(("truth", "true map", "as it is known"),),
)
