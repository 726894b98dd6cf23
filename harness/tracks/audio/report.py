"""What methods made of one clip side by side: the true one first, then a tile a method with its score."""

from __future__ import annotations

from collections.abc import Sequence

from ...boards.board import Board
from ...report.plots.drawing import Plot
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import Shown, tile_panels

SPECTROGRAMS = Shown(
    part="restored",
    beside="clean",
    title="true clip",
    below="",
    words="spectrograms",
    caption="{item} on {board}: power in dB, time to the right, frequency from 0 to half the sample rate upwards, all "
    "on the scale of the true clip; above each the method and its score on this clip. identity is the noisy clip.",
    each=4,
)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """What each method made of one clip, as spectrograms."""
    return tile_panels(boards, most, notes, sheet, SPECTROGRAMS)
