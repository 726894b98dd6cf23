"""Recipes as plots: validation quality against seconds of training, final quality against memory and other costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ...boards.chart import Chart, ChartPoint, Curve
from ...boards.recipes import Race, RecipeBoard, RecipeTrials
from ...boards.rows import Column
from ...suite.study import Axis
from ...text.errors import one_line
from ..short_names import short_names
from ..tables import digits_text
from .axis_text import metric_name, metric_text
from .drawing import (
    MAX_LINES,
    Plot,
    fit,
    legend_names,
    new_figure,
    place,
    plain_number,
    save,
    set_log_ticks,
    text_width,
    tick_room,
)
from .end_labels import LEADER, End, label_ends, look_of
from .looks import Look, Looks
from .sheets import Sheet

_MIB = 2**20
_WIDE = 8.0
"""Seconds are on a logarithmic axis where the last are so many times the first."""
_EARLY = 0.25
"""What lies before this share of the time that all have had is left out of the range of quality."""


@dataclass(frozen=True)
class _RecipeLine:
    """What is drawn of a recipe: at each validation the medians of its seeds, and the least and largest score."""

    look: Look
    name: str
    seconds: tuple[float, ...]
    scores: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def draw_race(race: Race, name: str, looks: Looks, column: Column, sheet: Sheet) -> Plot | None:
    """Validation quality against seconds, a line a recipe: the median of its seeds in their band; None without a line.

    A line across marks when the fastest had ended. Names stand at the ends of the lines.
    """
    k = sheet.scale
    drawable = [recipe for recipe in race.recipes if recipe.curve]
    shown = drawable[:MAX_LINES]
    if not shown:
        return None
    short, _ = short_names([recipe.label for recipe in race.recipes])
    wanted = max(text_width(short[recipe.label], sheet.text) for recipe in shown) + 0.02
    across = min(wanted + 0.14 * k, (1.25 if sheet.narrow else 2.2) * k)
    names = legend_names([short[recipe.label] for recipe in shown], across - 0.14 * k, sheet.text)
    courses = [_course(recipe, look_of(looks, recipe.label), names[short[recipe.label]]) for recipe in shown]
    head, foot = 0.36 * k, 0.46 * k
    height = sheet.tall(head + foot + max((1.8 if sheet.narrow else 2.4) * k, len(courses) * sheet.line))
    figure = new_figure(sheet.width, height)
    axes = place(figure, 1.0, foot, 1.0, height - head - foot)
    for one in courses:
        axes.fill_between(one.seconds, one.low, one.high, color=one.look.colour, alpha=0.14, linewidth=0)
        axes.plot(one.seconds, one.scores, label=one.name, **one.look.line(k))
    axes.axvline(race.time, color="#9aa1ab", linewidth=0.8 * k, zorder=1)
    _scale(axes, courses, race)
    axes.set_xlim(axes.get_xlim())
    edge = axes.get_xlim()[1]
    for one in courses:  # to the edge, where the name is, as what the recipe stays at
        rest = ([one.seconds[-1], edge], [one.scores[-1]] * 2)
        axes.plot(*rest, color=one.look.colour, linestyle=(0, (1, 3)), linewidth=0.7 * k)
    margin = tick_room(axes, sheet)
    box = (margin, foot, sheet.width - margin - LEADER * k - across, height - head - foot)
    axes.set_position((box[0] / sheet.width, box[1] / height, box[2] / sheet.width, box[3] / height))
    axes.set_xlabel(fit("seconds of training", box[2], sheet.text))
    axes.set_ylabel(fit(f"validation {metric_text(race.track, column)}", box[3] + 0.2 * k, sheet.text))
    ends = [End(edge, one.scores[-1], one.name, one.look) for one in courses]
    label_ends(axes, box, sorted(ends, key=lambda end: -end.y), sheet)
    heading = fit(f"validated on {race.validated_on}", sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    return save(figure, name, _caption(race, column, shown, len(drawable) - len(shown)))


def _course(recipe: RecipeTrials, look: Look, name: str) -> _RecipeLine:
    return _RecipeLine(
        look,
        name,
        tuple(median(one.seconds) for one in recipe.curve),
        tuple(median(one.scores) for one in recipe.curve),
        tuple(min(one.scores) for one in recipe.curve),
        tuple(max(one.scores) for one in recipe.curve),
    )


def _scale(axes: Any, courses: Sequence[_RecipeLine], race: Race) -> None:
    """Axes that show the race and not its first moments, in which all are far from where they end."""
    times = [seconds for one in courses for seconds in one.seconds]
    late = [
        value
        for one in courses
        for seconds, low, high in zip(one.seconds, one.low, one.high, strict=True)
        if seconds >= _EARLY * race.time
        for value in (low, high)
    ]
    pad = 0.07 * (max(late) - min(late)) or 1e-9
    axes.set_ylim(min(late) - pad, max(late) + pad)
    if min(times) > 0 and max(times) / min(times) > _WIDE:
        axes.set_xscale("log")
        set_log_ticks(axes.xaxis, times)
    axes.xaxis.set_major_formatter(plain_number)


def _caption(race: Race, column: Column, shown: Sequence[RecipeTrials], left_out: int) -> str:
    seeds = {len(recipe.trials) for recipe in shown}
    parts = [
        f"Validation {metric_name(race.track, column.label)} against the seconds of the training steps, "
        f"on {race.validated_on}."
    ]
    if max(seeds) > 1:
        number = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else str(max(seeds))
        parts.append(f"Lines: the median of {number} seeds; bands: from the least to the largest.")
    parts.append(f"The grey line, at {digits_text(race.time)} s: the fastest had ended.")
    if left_out:
        parts.append(f"Recipes of lower score left out: {left_out}.")
    return one_line(" ".join(parts), 900)


def memory_chart(ranked: RecipeBoard) -> Chart | None:
    """Final quality against training memory; None where all recipes need the same."""
    return _chart(ranked, "training memory", "training memory (MiB)", [row.recipe.memory / _MIB for row in ranked.rows])


def figure_charts(ranked: RecipeBoard) -> list[tuple[str, Chart]]:
    """Final quality against each figure that is a cost, of the recipes that have it, with the name of the figure."""
    charts = [
        (name, _chart(ranked, words, words, [row.recipe.figures.get(name) for row in ranked.rows]))
        for name, words in ranked.costs.items()
    ]
    return [(name, chart) for name, chart in charts if chart is not None]


def _chart(ranked: RecipeBoard, axis: str, x_label: str, costs: Sequence[float | None]) -> Chart | None:
    """Quality against what each recipe costs, where that is known and above 0; None where all cost the same."""
    known = [(row, cost) for row, cost in zip(ranked.rows, costs, strict=True) if cost]
    if len({cost for _, cost in known}) < 2:
        return None
    board = ranked.board
    names, _ = short_names([row.recipe.label for row in ranked.rows])
    curves = tuple(
        Curve(names[row.recipe.label], (ChartPoint(cost, row.mean, None, row.recipe.label),)) for row, cost in known
    )
    return Chart(
        Axis(axis),
        board.title,
        x_label,
        ranked.column,
        curves,
        cost=True,
        track=board.track,
        words=board.words,
        units=board.units.words(board.words),
    )


def column_of(race: Race, columns: Iterable[tuple[str, Column]]) -> Column:
    """The metric of a race as boards have it (pairs of track and column); bare where none shows it."""
    by_name: Mapping[tuple[str, str], Column] = {(track, column.label): column for track, column in columns}
    return by_name.get((race.track, race.metric)) or Column(race.metric, 1, race.higher, "", race.metric, 4)
