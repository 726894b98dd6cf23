"""A picture and its maps side by side: what each method says speaks for the true class, with its score."""

from __future__ import annotations

from collections.abc import Sequence

from ...boards.board import Board
from ...report.plots.drawing import Plot
from ...report.plots.mistakes import mistake_panels
from ...report.plots.sheets import Sheet
from ...report.plots.side_by_side import TilePanels
from .answer_plots import answer_plots
from .certified_curves import certified_curves

draw_maps = TilePanels(
    part="map",
    beside="picture",
    title="picture",
    below="as it was given",
    words="maps",
    caption="Maps of {item} on {board}: what speaks for its class, the more the lighter. What shows the class is "
    "outlined in green, what shows another in white, where that is known; above each the method and its score.",
    each=4,
)


def panels(boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
    """Maps, what is certified within which radius, how sure and how right methods were, and what was misclassified."""
    return [
        *draw_maps(boards, most, notes, sheet),
        *certified_curves(boards, most, notes, sheet),
        *answer_plots(boards, most, notes, sheet),
        *mistake_panels(boards, most, notes, sheet),
    ]
