"""Names beside the points of a plot, where they have room; which of them have none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .drawing import text_width
from .looks import Look
from .sheets import Sheet

AWAY = (0.09, 0.16, 0.25, 0.36, 0.5, 0.68, 0.9)
"""Inches from a point to its name that are tried, in text of the house."""
TURNS = (0, 4, 2, 6, 1, 7, 3, 5)
"""Eighths of a turn, in the order in which they are liked."""
MARK = 0.055
"""Half of the room of a marker, in inches."""

Box = tuple[float, float, float, float]
"""(left, bottom, right, top) in inches."""


@dataclass(frozen=True)
class Named:
    """A point in data, and what stands beside it."""

    x: float
    y: float
    text: str
    look: Look
    hollow: bool = False


@dataclass(frozen=True)
class _Spot:
    """Where a name may stand: its box, and the line that leads to it."""

    box: Box
    leader: tuple[float, float, float, float]
    away: float


def label_points(axes: Any, points: Sequence[Named], sheet: Sheet, paths: Sequence[tuple[float, float]]) -> list[Named]:
    """Write names beside `points`, the first ones first, and return those without room.

    No name lies on another one, on a marker or on a line that leads to a name, nor outside the figure. It is nearest to
    its own marker, or away from all, at the end of a line that passes no other. The line through `paths`, in data, is
    crossed where it must be.
    """
    from matplotlib.lines import Line2D

    figure = axes.figure
    inches = figure.dpi_scale_trans

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = inches.inverted().transform(axes.transData.transform((x, y)))
        return float(across), float(up)

    room = axes.get_position()
    width, height = figure.get_size_inches()
    # To the right of the axes is nothing that a name could hide.
    bounds = room.x0 * width + 0.03, room.y0 * height + 0.01, width - 0.03, room.y1 * height + 0.02
    half = MARK * sheet.scale
    centres = [place(p.x, p.y) for p in points]
    markers = [(x - half, y - half, x + half, y + half) for x, y in centres]
    bends = [place(x, y) for x, y in paths]
    path = list(pairwise(bends))
    names: list[Box] = []
    leaders: list[tuple[float, float, float, float]] = []
    left_out = []
    for i, (point, (x, y)) in enumerate(zip(points, centres, strict=True)):
        best: tuple[float, _Spot] | None = None
        for spot in _spots(x, y, text_width(point.text, sheet.text), sheet, bounds):
            hard = [*names, *(box for j, box in enumerate(markers) if j != i)]
            beside = spot.box[0] - half, spot.box[1], spot.box[2] + half, spot.box[3]  # so that two are not read as one
            if not _inside(spot.box, bounds) or any(_overlap(beside, other) for other in hard):
                continue
            if any(_crosses(line, spot.box) for line in leaders) or any(_crosses(spot.leader, n) for n in names):
                continue
            # Markers on one another are told apart by no place of a name.
            apart = [j for j, (u, v) in enumerate(centres) if max(abs(u - x), abs(v - y)) > half]
            if any(_crosses(spot.leader, markers[j]) for j in apart):
                continue
            near = min(_distance(spot.box, (x, y)), AWAY[1] * sheet.scale)
            if any(_distance(spot.box, centres[j]) < near for j in apart):
                continue
            cost = spot.away + 0.6 * sheet.scale * _lies_on(path, spot.box)
            if best is None or cost < best[0] - 1e-9:
                best = cost, spot
        if best is None:
            left_out.append(point)
            continue
        spot = best[1]
        crossed = _lies_on(path, spot.box)
        names.append(spot.box)
        leaders.append(spot.leader)
        if spot.away > AWAY[1] * sheet.scale:
            xs, ys = spot.leader[::2], spot.leader[1::2]
            figure.add_artist(Line2D(xs, ys, transform=inches, color="#9aa1ab", linewidth=0.5 * sheet.scale, zorder=1))
        figure.text((spot.box[0] + spot.box[2]) / 2, (spot.box[1] + spot.box[3]) / 2, point.text, transform=inches,
                    ha="center", va="center_baseline", fontsize=sheet.text, label="name",
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0} if crossed else None)  # fmt: skip
    return left_out


def _spots(x: float, y: float, wide: float, sheet: Sheet, bounds: Box) -> list[_Spot]:
    high = 1.05 * sheet.text / 72
    spots = []
    for away in AWAY:
        for turn in TURNS:
            far = away * sheet.scale
            dx, dy = round(math.cos(turn * math.pi / 4), 9), round(math.sin(turn * math.pi / 4), 9)
            near_x, near_y = x + far * dx, y + far * dy
            x0 = near_x if dx > 0.1 else near_x - wide if dx < -0.1 else near_x - wide / 2
            if turn in (2, 6):  # beside an edge it need not stand in the middle
                x0 = min(max(x0, bounds[0]), bounds[2] - wide)
            y0 = near_y if dy > 0.1 else near_y - high if dy < -0.1 else near_y - high / 2
            spots.append(_Spot((x0, y0, x0 + wide, y0 + high), (x, y, near_x, near_y), far))
    return spots


def _distance(box: Box, point: tuple[float, float]) -> float:
    """From a box to a point, 0 inside."""
    x, y = point
    return math.hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3]))


def _inside(box: Box, bounds: Box) -> bool:
    return box[0] >= bounds[0] and box[1] >= bounds[1] and box[2] <= bounds[2] and box[3] <= bounds[3]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _lies_on(path: Sequence[tuple[tuple[float, float], tuple[float, float]]], box: Box) -> bool:
    return any(_crosses((*a, *b), box) for a, b in path)


def _crosses(line: tuple[float, float, float, float], box: Box) -> bool:
    """Whether a straight line meets a box (Liang and Barsky 1984)."""
    x0, y0, x1, y1 = line
    low, high = 0.0, 1.0
    for start, step, least, most in ((x0, x1 - x0, box[0], box[2]), (y0, y1 - y0, box[1], box[3])):
        if step == 0:
            if not least <= start <= most:
                return False
            continue
        enter, leave = sorted(((least - start) / step, (most - start) / step))
        low, high = max(low, enter), min(high, leave)
    return low < high
