"""All plots of a report: which are drawn, and how many of each kind."""

from __future__ import annotations

from functools import partial
from itertools import groupby
from typing import Any

from ...boards.levels import Family, family_chart, level_families
from ...boards.recipes import differ
from ...components.tracks import known_track
from ..data import ReportData
from ..escape import slug
from ..track_protocols import HasPanels
from .critical_difference import diagrams, draw_critical, readable
from .drawing import Plot, in_columns, styled
from .levels import draw_levels
from .looks import Looks, looks_of
from .pareto import draw_cost, pareto_charts
from .perception import perception_charts
from .recipes import column_of, draw_race, figure_charts, memory_chart
from .sheets import Style, style_of

MAX_PLOTS, MAX_PLOTS_OF_MANY, MANY_BOARDS = 8, 3, 50
"""Plots of each kind, fewer where there are many boards; the boards with most methods first."""
_WORD = "-[a-z0-9]+"
NAMES = (
    rf"(?:answers|critical|drawing|mistakes|recipe-time|recipe-memory)-[0-9]{{2}}(?:{_WORD})+",
    rf"(?:level|pareto|panel|recipe-cost)-[0-9]{{2}}(?:{_WORD}){{2,}}",
    rf"perception-[0-9]{{2}}(?:{_WORD}){{3,}}",
)
"""Expressions that the names of plots match: a kind, a number, and slugs of what it shows."""


def draw_all(data: ReportData, style: str = "") -> tuple[list[Plot], list[str]]:
    """All plots of a report in a style, and a note for each kind of which some were left out.

    A method has one look in all of them. Raises `UsageError` for an unknown style.
    """
    boards, chosen = data.boards, style_of(style)
    looks = looks_of(boards)
    plots: list[Plot | None] = []
    notes: list[str] = []
    most = MAX_PLOTS if len(boards) <= MANY_BOARDS else MAX_PLOTS_OF_MANY
    level = f"quality against {data.words['level']}"
    for number, family in enumerate(limited(level_families(boards), most, level, notes), 1):
        plots.append(_family(family, number, looks, chosen))
    for number, (board, chart) in enumerate(limited(pareto_charts(boards), most, "quality against latency", notes), 1):
        name = f"pareto-{number:02d}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}"
        plots.append(in_columns(partial(draw_cost, chart, name, looks), chosen))
    pairs = perception_charts(boards, data.sets)
    for number, (board, metric, chart) in enumerate(limited(pairs, most, "quality against distances", notes), 1):
        name = f"perception-{number:02d}-{slug(metric, 24)}-{slug(board.dataset, 24)}-{slug(board.regime, 24)}"
        plots.append(in_columns(partial(draw_cost, chart, name, looks), chosen))
    for number, one in enumerate(limited(readable(diagrams(data), notes), most, "critical differences", notes), 1):
        plots.append(in_columns(partial(draw_critical, one, number, looks), chosen))
    plots += _of_recipes(data, most, looks, chosen, notes)
    with styled(chosen.page.text):
        for track_name, of_track in groupby(boards, key=lambda board: board.track):
            track = known_track(track_name)
            if isinstance(track, HasPanels):
                plots += track.panels(list(of_track), most, notes, chosen.page)
    return [plot for plot in plots if plot is not None], notes


def _of_recipes(data: ReportData, most: int, looks: Looks, style: Style, notes: list[str]) -> list[Plot | None]:
    """Validation quality against seconds of each race of several; final quality against memory and other costs."""
    plots: list[Plot | None] = []
    races = [race for race in data.recipes.races if differ(race.recipes)]
    columns = [(board.track, column) for board in data.boards for column in board.columns]
    for number, race in enumerate(limited(races, most, "validation quality against seconds", notes), 1):
        name = f"recipe-time-{number:02d}-{slug(race.validated_on, 48)}"
        plots.append(in_columns(partial(draw_race, race, name, looks, column_of(race, columns)), style))
    charts = [(ranked.board, chart) for ranked in data.recipes.boards if (chart := memory_chart(ranked)) is not None]
    for number, (board, chart) in enumerate(limited(charts, most, "quality against training memory", notes), 1):
        name = f"recipe-memory-{number:02d}-{slug(board.title, 48)}"
        plots.append(in_columns(partial(draw_cost, chart, name, looks), style))
    costly = [
        (ranked.board, figure, chart) for ranked in data.recipes.boards for figure, chart in figure_charts(ranked)
    ]
    for number, (board, figure, chart) in enumerate(limited(costly, most, "quality against figures", notes), 1):
        name = f"recipe-cost-{number:02d}-{slug(figure, 24)}-{slug(board.title, 48)}"
        plots.append(in_columns(partial(draw_cost, chart, name, looks), style))
    return plots


def _family(family: Family, number: int, looks: Looks, style: Style) -> Plot | None:
    dataset, regime = family.boards[0][1].dataset, family.regime
    name = f"level-{number:02d}-{slug(dataset, 24)}-{slug(regime, 24)}"
    return in_columns(partial(draw_levels, family_chart(family), name, looks), style)


def limited(things: list[Any], most: int, kind: str, notes: list[str]) -> list[Any]:
    """The first `most` things; a note says how many are left out."""
    if len(things) > most:
        notes.append(f"{kind}: {most} of {len(things)} plots are drawn, those with most methods first")
    return things[:most]
