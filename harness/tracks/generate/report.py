"""Samples of one batch side by side: the same latents in the same places, with name and score of each method."""

from __future__ import annotations

from collections.abc import Sequence

from ...boards.board import Board
from ...report.plots.drawing import Plot
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import Shown, tile_panels

SAMPLES = Shown(
    part="samples",
    beside="reference",
    title="reference",
    below="pictures of the set",
    words="samples",
    caption="Samples of {item} on {board}, each in the place of its latents, which are the same for every method; "
    "above each the method and its score on this batch.",
    each=3,
)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """The samples of each method, from the same latents."""
    return tile_panels(boards, most, notes, sheet, SAMPLES)
