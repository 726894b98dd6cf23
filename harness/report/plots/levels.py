"""Quality against the level of a regime, or a parameter of a method: a line a method, and its distance to the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...boards.chart import Chart, ChartPoint, Curve
from ...text.errors import one_line
from .axis_text import level_text, metric_name, metric_text
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

MOST_REFERENCES = 4
SQUEEZE = 0.5
"""References are left out of the range of differences where they would stretch it by a larger share of it."""


@dataclass(frozen=True)
class _Drawn:
    """A curve with its look and the name that fits."""

    curve: Curve
    look: Look
    name: str


def draw_levels(chart: Chart, name: str, looks: Looks, sheet: Sheet) -> Plot | None:
    """Mean quality, and the difference to the best with its interval where the board has it; None without a line.

    Names stand at the ends of the lines. The two panels stand side by side, one below the other in one column.
    """
    curves, left_out = chosen_curves(chart)
    if not curves:
        return None
    k = sheet.scale
    wanted = max(text_width(curve.label, sheet.text) for curve in curves) + 0.02
    across = min(wanted + 0.14 * k, (1.25 if sheet.narrow else 2.0) * k)
    names = legend_names([curve.label for curve in curves], across - 0.14 * k, sheet.text)
    drawn = [_Drawn(curve, look_of(looks, curve.label, curve.points[0].method), names[curve.label]) for curve in curves]
    has_gaps = bool(chart.regime) and any(p.difference is not None for curve in curves for p in curve.points)
    layout = _layout(sheet, len(curves), has_gaps)
    figure = new_figure(sheet.width, layout.height)
    panels = [place(figure, 1.0, layout.foot, 1.0, high) for high in layout.heights]
    _draw_means(panels[0], drawn, k)
    _scale_up(panels[0], chart, curves)
    if has_gaps:
        panels[1].set_ylim(*_range(chart, drawn))
        panels[1].yaxis.set_major_formatter(plain_number)
    boxes = layout.boxes([tick_room(axes, sheet) for axes in panels], sheet.width - LEADER * k - across)
    step = _step(chart, drawn, k, boxes[-1][2]) if has_gaps else 0.0
    for axes, box in zip(panels, boxes, strict=True):
        axes.set_position((box[0] / sheet.width, box[1] / layout.height, box[2] / sheet.width, box[3] / layout.height))
        _scale_across(axes, chart, curves, (0.1 * k + step * len(drawn) / 2) / box[2])
        axes.set_xlabel(fit(level_text(chart), box[2] + 0.4 * k, sheet.text))
    if layout.stacked:
        panels[0].set_xlabel("")
        panels[0].tick_params(labelbottom=False)
    panels[0].set_ylabel(fit(metric_text(chart.track, chart.column), boxes[0][3] + 0.2 * k, sheet.text))
    if has_gaps:
        ends, outside = _draw_gaps(panels[1], drawn, k, step)
        panels[1].set_ylabel(fit(_gap_text(chart), boxes[1][3] + 0.3 * k, sheet.text))
    else:
        ends, outside = [End(c.curve.points[-1].x, c.curve.points[-1].y, c.name, c.look) for c in drawn], []
    ends.sort(key=lambda end: -end.y)
    label_ends(panels[-1], boxes[-1], ends, sheet)
    heading = fit(chart.heading or chart.where, sheet.width - 0.3, sheet.heading)
    figure.text(0.5, 1 - 0.16 * k / layout.height, heading, ha="center", va="center", fontsize=sheet.heading)
    places = ("above", "below") if sheet.narrow else ("left", "right")
    return save(figure, name, _caption(chart, places if has_gaps else (), outside, left_out))


@dataclass(frozen=True)
class _PanelLayout:
    """The panels of a figure, in inches: `heights` of each, `foot` below them and `between` where they are stacked."""

    stacked: bool
    height: float
    heights: Sequence[float]
    foot: float
    between: float

    def boxes(self, rooms: Sequence[float], free: float) -> list[tuple[float, float, float, float]]:
        """Left, bottom, width and height of each panel; `rooms` is what its ticks take of the width that is `free`."""
        if self.stacked:
            margin, low = max(rooms), self.heights[1]
            above = (margin, self.foot + low + self.between, free - margin, self.heights[0])
            return [above, (margin, self.foot, free - margin, low)]
        each = (free - sum(rooms)) / len(rooms)
        return [(sum(rooms[: i + 1]) + i * each, self.foot, each, high) for i, high in enumerate(self.heights)]


def _layout(sheet: Sheet, lines: int, has_gaps: bool) -> _PanelLayout:
    """One panel, or two where there are gaps to the best, with room for the names of so many lines."""
    k = sheet.scale
    stacked = has_gaps and sheet.narrow
    head, foot, between, names = 0.36 * k, 0.46 * k, 0.16 * k, lines * sheet.line
    heights = [1.45 * k, max(1.75 * k, names)] if stacked else [max(2.2 * k, names)] * (1 + has_gaps)
    height = sheet.tall(head + foot + (sum(heights) + between if stacked else heights[0]))
    if sheet.fills:
        heights = [height - head - foot] * (1 + has_gaps)
    return _PanelLayout(stacked, height, heights, foot, between)


def _draw_means(axes: Any, drawn: Sequence[_Drawn], k: float) -> None:
    """A line a method, in a band from the least of its seeds to the largest."""
    for one in drawn:
        xs, ys = [p.x for p in one.curve.points], [p.y for p in one.curve.points]
        banded = [p for p in one.curve.points if p.seeds]
        if banded:
            edges = [[end(p.seeds.values()) for p in banded] for end in (min, max)]
            axes.fill_between([p.x for p in banded], *edges, color=one.look.colour, alpha=0.14, linewidth=0)
        axes.plot(xs, ys, label=one.curve.label, **one.look.line(k))
    axes.margins(y=0.07)


def _gap_text(chart: Chart) -> str:
    """What the axis of differences is called."""
    unit = f" ({chart.column.unit})" if chart.column.unit else ""
    return f"Δ {metric_name(chart.track, chart.column.label)} to the best{unit}"


def chosen_curves(chart: Chart) -> tuple[list[Curve], int]:
    """The curves of two points or more that are drawn, best first, at most `MAX_LINES`; and how many are left out."""
    several = [curve for curve in chart.curves if len({p.x for p in curve.points}) > 1]
    references = [curve for curve in several if curve.reference][:MOST_REFERENCES]
    kept = [curve for curve in several if not curve.reference][: MAX_LINES - min(len(references), 2)]
    chosen = [curve for curve in several if curve in kept or curve in references]
    return chosen, len(several) - len(chosen)


def _scale_across(axes: Any, chart: Chart, curves: Sequence[Curve], free: float) -> None:
    """The x axis, `free` of it on either side of the values."""
    from matplotlib.ticker import NullFormatter

    values = _values(curves)
    if _is_log(chart, values):
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if len(values) <= 8:
        axes.set_xticks(values)
        axes.minorticks_off()
    axes.xaxis.set_major_formatter(plain_number)
    log = _is_log(chart, values)
    low, high = (math.log10(v) if log else v for v in (values[0], values[-1]))
    pad = (high - low) * free / (1 - 2 * free)
    axes.set_xlim(*(10**v if log else v for v in (low - pad, high + pad)))


def _scale_up(axes: Any, chart: Chart, curves: Sequence[Curve]) -> None:
    """A logarithmic y axis, where the chart wants one and all of it is positive."""
    values = [v for curve in curves for p in curve.points for v in (p.y, *p.seeds.values())]
    if not chart.axis.log_y or min(values) <= 0:
        return
    axes.set_yscale("log")
    set_log_ticks(axes.yaxis, values)


def _values(curves: Sequence[Curve]) -> list[float]:
    return sorted({p.x for curve in curves for p in curve.points})


def _is_log(chart: Chart, values: Sequence[float]) -> bool:
    return chart.axis.log and values[0] > 0


def _step(chart: Chart, drawn: Sequence[_Drawn], k: float, wide: float) -> float:
    """Inches between the intervals of two lines at one level, which would lie on each other; 0 without intervals.

    All of one level stay nearer to it, on axes `wide` inches across, than to the next level.
    """
    if not any(p.interval is not None for one in drawn for p in one.curve.points):
        return 0.0
    values = _values([one.curve for one in drawn])
    places = [math.log10(v) if _is_log(chart, values) else v for v in values]
    nearest = min(b - a for a, b in pairwise(places)) / (places[-1] - places[0]) * 0.75 * wide
    return min(0.028 * k, 0.3 * k / len(drawn), 0.7 * nearest / len(drawn))


def _draw_gaps(axes: Any, drawn: Sequence[_Drawn], k: float, step: float) -> tuple[list[End], list[str]]:
    """Differences to the best with their intervals, side by side at each level; the ends, and who is out of range."""
    from matplotlib.transforms import ScaledTranslation

    low, high = axes.get_ylim()
    axes.axhline(0.0, color="#9aa1ab", linewidth=0.8 * k, zorder=1)
    ends, outside = [], []
    for place_, one in enumerate(drawn):
        points = [p for p in one.curve.points if p.difference is not None]
        if not points:
            continue
        shift = (place_ - (len(drawn) - 1) / 2) * step
        moved = axes.transData + ScaledTranslation(shift, 0, axes.figure.dpi_scale_trans)
        xs, ys = [p.x for p in points], [_gap(p) for p in points]
        axes.plot(xs, ys, label=one.curve.label, transform=moved, **one.look.line(k))
        barred = [p for p in points if p.interval is not None]
        bottom = [p.interval[0] for p in barred if p.interval is not None]
        top = [p.interval[1] for p in barred if p.interval is not None]
        bars = axes.vlines([p.x for p in barred], bottom, top, color=one.look.colour, linewidth=0.8 * k,
                           transform=moved, zorder=1.9)  # fmt: skip
        bars.set_label(one.curve.label)
        last = ys[-1]
        beyond = "" if low <= last <= high else "↓" if last < low else "↑"
        outside += [one.name] if beyond else []
        text = f"{one.name} {beyond}" if beyond else one.name
        ends.append(End(points[-1].x, min(max(last, low), high), text, one.look, shift))
    axes.set_ylim(low, high)
    return ends, outside


def _gap(point: ChartPoint) -> float:
    return 0.0 if point.difference is None else point.difference


def _range(chart: Chart, drawn: Sequence[_Drawn]) -> tuple[float, float]:
    """The range of differences and intervals: of contenders, and of the references that do not squeeze these."""

    def ends(curves: Sequence[Curve]) -> list[float]:
        points = [p for curve in curves for p in curve.points if p.difference is not None]
        return [v for p in points for v in (_gap(p), *(p.interval or ()))]

    curves = [one.curve for one in drawn]
    contenders = ends([c for c in curves if not c.reference]) or ends(curves)
    low, high = min([0.0, *contenders]), max([0.0, *contenders])
    span = high - low
    for curve in (c for c in curves if c.reference):
        gaps = ends([curve])
        if gaps and span and min(gaps) >= low - SQUEEZE * span and max(gaps) <= high + SQUEEZE * span:
            low, high = min(low, *gaps), max(high, *gaps)
    pad = 0.05 * (high - low) or max(0.5 * 10.0**-chart.column.decimals, 1e-9)
    return low - pad, high + pad


def _caption(chart: Chart, places: Sequence[str], outside: Sequence[str], left_out: int) -> str:
    name, items = metric_name(chart.track, chart.column.label), chart.units or "items"
    first = f" ({places[0]})" if places else ""
    quantity = name if chart.axis.figure else f"Mean {name} over {items}"
    parts = [f"{quantity} against {level_text(chart)}{first}, {chart.heading or chart.where}."]
    if any(p.seeds for curve in chart.curves for p in curve.points):
        parts.append("Lines: the mean of the seeds; bands: from the least to the largest.")
    if places:
        parts.append(f"Difference to the best ranked method ({places[1]}).")
        if any(p.interval is not None for curve in chart.curves for p in curve.points):
            parts.append(
                f"Bars: 95 % intervals of the mean difference, as on the boards (bootstrap-t over {items}, all pairs "
                "of methods at once)."
            )
        else:
            parts.append(f"No intervals: the {items} are too few.")
    if outside:
        parts.append(f"An arrow marks what lies outside of the range: {', '.join(outside)}.")
    if not chart.recipes:
        parts.append(f"Grey: {chart.words.get('given', 'input')} and references.")
    if left_out:
        parts.append(f"{'Lines' if chart.recipes else 'Methods'} of lower mean left out: {left_out}.")
    return one_line(" ".join(parts), 900)
