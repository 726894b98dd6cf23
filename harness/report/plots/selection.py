"""All plots of a report: which are drawn, and how many of each kind."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from ...boards.levels import level_families
from ...track import known_track
from ..data import ReportData
from ..sections import HasPanels
from .critical_difference import diagrams, draw_critical
from .drawing import Plot, styled
from .levels import draw_family
from .pareto import draw_pareto, pareto_boards

MAX_PLOTS, MAX_PLOTS_OF_MANY, MANY_BOARDS = 8, 3, 50
"""Plots of each kind, fewer where there are many boards; the boards with most methods first."""
PREFIXES = ("level-", "pareto-", "critical-", "panel-", "drawing-")
"""What the names of plots begin with; a number follows."""


def draw_all(data: ReportData) -> tuple[list[Plot], list[str]]:
    """All plots of a report, and a note for each kind of which some were left out."""
    boards = data.boards
    plots: list[Plot] = []
    notes: list[str] = []
    most = MAX_PLOTS if len(boards) <= MANY_BOARDS else MAX_PLOTS_OF_MANY
    level = f"quality against {data.words['level']}"
    with styled():
        for number, family in enumerate(limited(level_families(boards), most, level, notes), 1):
            plots.append(draw_family(family, number))
        for number, board in enumerate(limited(pareto_boards(boards), most, "quality against latency", notes), 1):
            plots.append(draw_pareto(board, number))
        for number, one in enumerate(limited(diagrams(data), most, "critical differences", notes), 1):
            plots.append(draw_critical(one, number))
        for name, own in groupby(boards, key=lambda board: board.track):
            track = known_track(name)
            if isinstance(track, HasPanels):
                plots += track.panels(list(own), most, notes)
    return plots, notes


def limited(things: list[Any], most: int, kind: str, notes: list[str]) -> list[Any]:
    """The first `most` of them; `notes` is told of how many."""
    if len(things) > most:
        notes.append(f"{kind}: {most} of {len(things)} plots are drawn, those with most methods first")
    return things[:most]
