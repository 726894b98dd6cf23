"""Names at the ends of lines, in place of a legend: as near to them as they can be without overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .looks import Look
from .sheets import Sheet

LEADER = 0.26
"""Inches from the axes to the names, in text of the house."""


@dataclass(frozen=True)
class End:
    """Where a line ends, in data, and what stands there; `shift` is how many inches it is drawn to the right."""

    x: float
    y: float
    text: str
    look: Look
    shift: float = 0.0


def spread(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places in [low, high], `apart` or more from each other, in the order of `wanted` and nearest to it.

    The least sum of squares: pool adjacent violators (Barlow et al. 1972). Without room they run over `high`.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    pools: list[tuple[float, int]] = []
    for rank, i in enumerate(order):
        mean, count = wanted[i] - rank * apart, 1
        while pools and pools[-1][0] >= mean:
            before, n = pools.pop()
            mean, count = (before * n + mean * count) / (n + count), n + count
        pools.append((mean, count))
    top = max(low, high - (len(wanted) - 1) * apart)
    flat = [min(max(mean, low), top) for mean, count in pools for _ in range(count)]
    places = [0.0] * len(wanted)
    for rank, i in enumerate(order):
        places[i] = flat[rank] + rank * apart
    return places


def label_ends(axes: Any, box: tuple[float, float, float, float], ends: Sequence[End], sheet: Sheet) -> None:
    """Write the name of each line right of `axes`, which lie at `box` (left, bottom, width, height) in inches.

    Of equal ends the first stands on top. A line of the same colour leads from the end to the name.
    """
    from matplotlib.lines import Line2D

    figure = axes.figure
    inches = figure.dpi_scale_trans
    x0, bottom, width, height = box
    at = [inches.inverted().transform(axes.transData.transform((end.x, end.y))) for end in ends]
    inside = [min(max(float(y), bottom), bottom + height) for _, y in at]
    ys = spread(inside[::-1], sheet.line, bottom, bottom + height)[::-1]
    edge, start = x0 + width, x0 + width + (LEADER - 0.05) * sheet.scale
    for end, (across, _), anchor, y in zip(ends, at, inside, ys, strict=True):
        x = float(across) + end.shift + 0.04 * sheet.scale
        bend = max(edge + 0.05 * sheet.scale, x)
        figure.add_artist(
            Line2D([x, bend, start], [anchor, anchor, y], transform=inches, color=end.look.colour,
                   linewidth=0.6 * sheet.scale, linestyle="-", solid_joinstyle="round")
        )  # fmt: skip
        figure.text(x0 + width + LEADER * sheet.scale, y, end.text, transform=inches, ha="left",
                    va="center_baseline", fontsize=sheet.text, label="name")  # fmt: skip


def look_of(looks: Mapping[str, Look], label: str, method: str = "") -> Look:
    """The look of a curve: that of the method of its name, else of the method of its first point."""
    return looks.get(label) or looks.get(method) or Look("#222222", "o", "-", None)
