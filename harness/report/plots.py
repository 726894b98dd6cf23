"""All plots of a report: which are drawn, and how many of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..analysis.board import Board
from .drawing import Plot, styled
from .noise_levels import draw_family, noise_families
from .pareto import draw_pareto, pareto_boards

if TYPE_CHECKING:
    from .critical import Diagram

MAX_PLOTS, MAX_PLOTS_OF_MANY, MANY_BOARDS = 8, 3, 50
"""Plots of each kind, fewer where there are many boards; the boards with most methods first."""


def draw_all(boards: Sequence[Board], diagrams: Sequence[Diagram]) -> tuple[list[Plot], list[str]]:
    """All plots of a report, and a note for each kind of which some were left out."""
    from .critical import draw_critical
    from .panels import draw_panel, panel_boards

    plots: list[Plot] = []
    notes: list[str] = []
    with styled():
        families = noise_families(boards)
        most = MAX_PLOTS if len(boards) <= MANY_BOARDS else MAX_PLOTS_OF_MANY
        for number, family in enumerate(_limit(families, most, "quality against noise level", notes), 1):
            plots.append(draw_family(family, number))
        for number, board in enumerate(_limit(pareto_boards(boards), most, "quality against latency", notes), 1):
            plots.append(draw_pareto(board, number))
        for number, one in enumerate(_limit(list(diagrams), most, "critical differences", notes), 1):
            plots.append(draw_critical(one, number))
        for number, board in enumerate(_limit(panel_boards(boards), most, "panels of crops", notes), 1):
            plots.append(draw_panel(board, number))
    return plots, notes


def _limit(things: list[Any], most: int, kind: str, notes: list[str]) -> list[Any]:
    if len(things) > most:
        notes.append(f"{kind}: {most} of {len(things)} plots are drawn, those with most methods first")
    return things[:most]
