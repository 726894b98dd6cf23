"""Figures of trainings against a parameter of their recipes."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import fmean

from ..spec.parsing import Spec
from ..spec.paths import parameter, readable_spec
from ..store.results import Results
from ..store.training_figures import NoValue, training_figure
from ..suite.study import Axis
from ..text.errors import UsageError, one_line
from .chart import Chart, ChartPoint
from .lines import Placed, by_of, joined
from .rows import Column

FIGURE_DECIMALS = 3
"""Decimals of a figure of a training."""


def training_charts(records: Results, axis: Axis) -> list[Chart]:
    """A figure of trainings against a parameter of their recipes; those of one network and dataset share a chart.

    Raises `UsageError` where none has the figure, or nothing varies.
    """
    curves: dict[tuple[str, str], dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    displays: dict[str, tuple[Spec, Spec]] = {}
    lacking = f"nothing is trained with {axis.x} at two values or more"
    for record in records.where(kind="train"):
        cell = record.cell
        spec, shown = readable_spec(cell.method.spec), readable_spec(cell.method.display)
        if spec is None or parameter(spec, axis.x) is None:
            continue
        if cell.outcome not in ("ok", "diverged"):
            lacking = f"a training is {cell.outcome}: {one_line(cell.reason)}"
            continue
        try:
            value = training_figure(axis.figure, [cell], {})
        except NoValue as error:
            lacking = str(error)
            continue
        args = dict(spec.args)
        where = ", ".join(str(getattr(args.get(part), "name", "")) for part in ("arch", "data"))
        curves[cell.track, where][str(spec)][cell.seed] = value
        displays[str(spec)] = spec, shown or spec
    drawn = []
    for (track, where), trained in curves.items():
        placed = []
        for text, by_seed in trained.items():
            spec, shown = displays[text]
            x = parameter(spec, axis.x)
            # What one seed has not, such as where it diverged, has no mean that compares.
            whole = all(map(math.isfinite, by_seed.values()))
            if x is not None and whole and (not axis.by or parameter(spec, axis.by) is not None):
                mean = fmean(by_seed.values())
                seeds = by_seed if len(by_seed) > 1 else {}
                placed.append(Placed(shown, ChartPoint(x, mean, None, str(shown), seeds=seeds, by=by_of(spec, axis))))
        column = Column(axis.y, 0, True, "", axis.y, FIGURE_DECIMALS)
        seeds_said = sorted({seed for by_seed in trained.values() for seed in by_seed})
        heading = f"{where}, seed{'s' * (len(seeds_said) > 1)} {','.join(map(str, seeds_said))}"
        drawn += joined(
            placed, Chart(axis, heading, axis.label, column, (), track=track, heading=heading, recipes=True)
        )
    if not drawn:
        raise UsageError(f"study y: {axis.y}: {lacking}")
    return drawn
