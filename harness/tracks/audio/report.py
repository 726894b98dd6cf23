"""What methods made of one clip side by side: the true one first, then a tile a method with its score."""

from __future__ import annotations

from ...report.plots.side_by_side import TilePanels

panels = TilePanels(
    part="restored",
    beside="clean",
    title="true clip",
    below="",
    words="spectrograms",
    caption="{item} on {board}: power in dB, time to the right, frequency from 0 to half the sample rate upwards, all "
    "on the scale of the true clip; above each the method and its score on this clip. identity is the noisy clip.",
    each=4,
)
