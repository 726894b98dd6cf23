"""A picture and its maps side by side: what each method says speaks for the true class, with its score."""

from __future__ import annotations

from ...report.plots.side_by_side import Shown

MAPS = Shown(
    part="map",
    beside="picture",
    title="picture",
    below="as it was given",
    words="maps",
    caption="Maps of {item} on {board}: what speaks for its class, the more the lighter. What shows the class is "
    "outlined in green, what shows another in white, where that is known; above each the method and its score.",
    each=4,
)
