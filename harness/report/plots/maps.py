"""A map of two parameters: a cell for each pair of values, coloured by the mean, which is written in it."""

from __future__ import annotations

import math

from ...boards.chart import Chart
from ...text.errors import one_line
from .axis_text import metric_name, metric_text, parameter_text
from .drawing import Plot, fit, new_figure, place, plain_number, save, text_width
from .sheets import Sheet

_MOST = 24
"""Values of a parameter beyond which no map is drawn: numbers would have no room."""


def draw_map(chart: Chart, name: str, sheet: Sheet) -> Plot | None:
    """The mean of y at each x (across) and second parameter (up), values in order; None where they are too many."""
    xs = sorted({p.x for curve in chart.curves for p in curve.points})
    if max(len(xs), len(chart.curves)) > _MOST:
        return None
    k = sheet.scale
    head, foot, row = 0.36 * k, 0.46 * k, 0.32 * k
    height = sheet.tall(head + foot + len(chart.curves) * row)
    values = [[next((p.y for p in curve.points if p.x == x), math.nan) for x in xs] for curve in chart.curves]
    figure = new_figure(sheet.width, height)
    axes = place(figure, 1.0, foot, 1.0, height - head - foot)
    log = chart.axis.log_y and all(y > 0 for line in values for y in line if math.isfinite(y))
    image = axes.imshow(
        [[math.log(y) if log and math.isfinite(y) else y for y in line] for line in values],
        cmap="viridis", origin="lower", aspect="auto", interpolation="nearest",
    )  # fmt: skip
    low, high = image.get_clim()
    for j, line in enumerate(values):
        for i, y in enumerate(line):
            if math.isfinite(y):
                at = ((math.log(y) if log else y) - low) / (high - low) if high > low else 0.0
                axes.text(i, j, f"{y:.3g}".replace("-", "−"), ha="center", va="center_baseline", fontsize=sheet.text,
                          color="white" if at < 0.6 else "black")  # fmt: skip
    axes.set_xticks(range(len(xs)), [plain_number(x) for x in xs])
    axes.set_yticks(range(len(chart.curves)), [plain_number(float(curve.label)) for curve in chart.curves])
    axes.grid(False)
    widest = max(text_width(curve.label, sheet.text) for curve in chart.curves)
    margin = widest + 0.45 * k
    wide = sheet.width - margin - 0.1 * k
    axes.set_position((margin / sheet.width, foot / height, wide / sheet.width, (height - head - foot) / height))
    axes.set_xlabel(fit(parameter_text(chart.x_label), wide, sheet.text))
    axes.set_ylabel(fit(parameter_text(chart.axis.by), height - foot, sheet.text))
    heading = fit(f"{metric_text(chart.track, chart.column)}: {chart.heading}", sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / height, heading, ha="center", va="center", fontsize=sheet.heading)
    return save(figure, name, _caption(chart, log))


def _caption(chart: Chart, log: bool) -> str:
    metric = metric_name(chart.track, chart.column.label)
    name = metric if chart.axis.figure else f"Mean {metric} over {chart.units or 'items'}"
    parts = [f"{name} at each {chart.x_label} (across) and {chart.axis.by} (up), {chart.heading}."]
    if any(p.seeds for curve in chart.curves for p in curve.points):
        parts.append("Numbers are means of the seeds.")
    if log:
        parts.append("Colours are of logarithms.")
    if any(len(curve.points) < len({p.x for c in chart.curves for p in c.points}) for curve in chart.curves):
        parts.append("White: not trained, diverged, or without a value.")
    return one_line(" ".join(parts), 900)
