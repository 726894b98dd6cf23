"""Quality against a cost, such as latency, with the front of what nothing beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ...boards.board import Board
from ...boards.chart import Chart, ChartPoint
from ...boards.cost_charts import cost_chart
from ...suite.study import Axis
from ...text.errors import one_line
from .axis_text import metric_name, metric_text
from .drawing import MAX_LINES, Plot, fit, legend_names, new_figure, place, save, set_log_ticks, tick_room
from .end_labels import look_of
from .looks import Look, Looks
from .point_labels import Named, label_points
from .sheets import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pareto_charts(boards: Sequence[Board]) -> list[tuple[Board, Chart]]:
    """Quality against latency of the boards with at least two methods that have both, those with most methods first."""
    charts = [(board, cost_chart(board, Axis("latency"), joined=False)) for board in boards]
    drawable = [(board, chart) for board, chart in charts if chart is not None]
    return sorted(drawable, key=lambda pair: -len(pair[0].rows))


def front(points: Sequence[tuple[float, float]], higher: bool) -> list[int]:
    """Indices of the points that no other beats in both latency and quality, by latency."""
    sign = 1.0 if higher else -1.0
    kept: list[int] = []
    top = -math.inf
    for i in sorted(range(len(points)), key=lambda i: (points[i][0], -sign * points[i][1], i)):
        if sign * points[i][1] > top:
            kept.append(i)
            top = sign * points[i][1]
    return kept


def best_of(chart: Chart) -> set[tuple[str, float]]:
    """(method, x) of the points on the Pareto front of a cost chart."""
    points = [point for curve in chart.curves for point in curve.points]
    kept = front([(p.x, p.y) for p in points], chart.column.higher)
    return {(points[i].method, points[i].x) for i in kept} if chart.cost else set()


@dataclass(frozen=True)
class _DrawnChart:
    """What is drawn of a chart: its curves with looks and names, and where the front runs."""

    curves: Sequence[tuple[Look, str, Sequence[ChartPoint]]]
    steps: Sequence[tuple[float, float]]
    left_out: int
    looks: Looks


def draw_cost(chart: Chart, name: str, looks: Looks, sheet: Sheet) -> Plot:
    """Mean quality against a cost: the front as steps, a name beside each method, hollow where it was busy.

    Names without room stand below, beside their markers.
    """
    shown = _chosen(chart, looks, sheet)
    figure, unplaced = _drawn(chart, shown, sheet, ())
    if unplaced:
        figure, _ = _drawn(chart, shown, sheet, unplaced)
    return save(figure, name, _caption(chart, shown))


def _chosen(chart: Chart, looks: Looks, sheet: Sheet) -> _DrawnChart:
    best = best_of(chart)
    most = MAX_LINES if sheet.narrow or sheet.fills else 2 * MAX_LINES
    on = [c for c in chart.curves if any((p.method, p.x) in best for p in c.points)]
    rest = [c for c in chart.curves if c not in on]
    kept = [c for c in chart.curves if c in [*on, *rest][:most]]
    names = legend_names([c.label for c in kept], (1.3 if sheet.narrow else 1.9) * sheet.scale, sheet.text)
    curves = []
    for curve in kept:
        busy = any(p.busy for p in curve.points)
        text = f"{names[curve.label]} (busy)" if busy else names[curve.label]
        curves.append((look_of(looks, curve.label, curve.points[0].method), text, curve.points))
    steps = sorted({(p.x, p.y) for curve in chart.curves for p in curve.points if (p.method, p.x) in best})
    return _DrawnChart(curves, steps, len(chart.curves) - len(kept), looks)


def _drawn(chart: Chart, shown: _DrawnChart, sheet: Sheet, below: Sequence[Named]) -> tuple[Figure, list[Named]]:
    """The figure, with a legend of what is `below`; and the names that found no room beside their points."""
    from matplotlib.lines import Line2D

    k = sheet.scale
    columns = max(1, int((sheet.width - 0.6 * k) / ((1.5 if sheet.narrow else 2.1) * k)))
    extra = (math.ceil(len(below) / columns) * sheet.line + 0.1 * k) if below else 0.0
    head, foot = 0.36 * k, 0.46 * k + extra
    height = sheet.tall((2.6 if sheet.narrow else 3.2) * k + extra)
    figure = new_figure(sheet.width, height)
    axes = place(figure, 1.0, foot, 1.0, height - head - foot)
    path = _steps(shown.steps)
    axes.plot([x for x, _ in path], [y for _, y in path], color="#b4bac2", linewidth=1.4 * k, zorder=1, label="front")
    for look, _, points in shown.curves:
        if len(points) > 1:
            xs, ys = [p.x for p in points], [p.y for p in points]
            axes.plot(xs, ys, color=look.colour, linestyle=look.dash, linewidth=0.6 * k, zorder=2)
        for p in points:
            axes.plot([p.x], [p.y], zorder=3, markersize=5.5 * k, clip_on=False, label=p.method,
                      **look_of(shown.looks, p.method).point(k, hollow=p.busy))  # fmt: skip
    if chart.log:
        axes.set_xscale("log")
        every = [p.x for _, _, points in shown.curves for p in points]
        set_log_ticks(axes.xaxis, every)
    axes.margins(x=0.06, y=0.14)
    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    margin = tick_room(axes, sheet)
    across = sheet.width - margin - 0.25 * k
    axes.set_position((margin / sheet.width, foot / height, across / sheet.width, (height - head - foot) / height))
    axes.set_xlabel(fit(chart.x_label, sheet.width - margin, sheet.text))
    axes.set_ylabel(fit(metric_text(chart.track, chart.column), height - head, sheet.text))
    heading = fit(chart.heading or chart.where, sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    named = [_named(chart, shown, text, points) for _, text, points in shown.curves]
    rest = label_points(axes, named, sheet, path)
    if below:
        handles = [Line2D([], [], markersize=5.5 * k, label=n.text, **n.look.point(k, hollow=n.hollow))
                   for n in below]  # fmt: skip
        figure.legend(handles=handles, loc="lower center", ncols=columns, handlelength=1.4, columnspacing=1.2,
                      borderaxespad=0.2, labelspacing=0.25)  # fmt: skip
    return figure, rest


def _named(chart: Chart, shown: _DrawnChart, text: str, points: Sequence[ChartPoint]) -> Named:
    """The name of a curve stands at its best point."""
    best = (max if chart.column.higher else min)(points, key=lambda p: (p.y, -p.x))
    return Named(best.x, best.y, text, look_of(shown.looks, best.method), best.busy)


def _steps(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the front: across, then to the next point."""
    path = list(points[:1])
    for (_, before), (x, y) in pairwise(points):
        path += [(x, before), (x, y)]
    return path


def _caption(chart: Chart, shown: _DrawnChart) -> str:
    name = metric_name(chart.track, chart.column.label)
    parts = [
        f"Mean {name} over {chart.units or 'items'} against {chart.x_label}, {chart.heading or chart.where}. "
        "The grey steps are the Pareto front of the ranked methods."
    ]
    if any(p.busy for _, _, points in shown.curves for p in points):
        parts.append(
            "Hollow, “busy”: the machine did other work while the cost was measured, and its times are too long."
        )
    if shown.left_out:
        parts.append(f"Methods of lower mean left out: {shown.left_out}.")
    return one_line(" ".join(parts), 900)
