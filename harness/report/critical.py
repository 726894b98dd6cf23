"""Critical-difference diagrams: mean ranks on a line, bars over what the test does not tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.evidence import Evidence, Overall
from ..analysis.friedman import Friedman
from ..errors import one_line
from .drawing import WIDE, Plot, fit, legend_names, place, save
from .escape import slug

MAX_SHOWN = 24
LEFT, MARGIN = 2.05, 0.12
STEP, BAR = 0.19, 0.075


@dataclass(frozen=True)
class Diagram:
    """What one diagram shows: which methods, the test behind it, a heading and what the ranks are over."""

    name: str
    heading: str
    labels: tuple[str, ...]
    test: Friedman
    over: str


def diagrams(found: Sequence[Evidence | None], overall: Sequence[Overall]) -> list[Diagram]:
    """Everything that can be drawn (three methods or more): all boards together first, then each board."""
    made = []
    for one in overall:
        if one.friedman is not None and len(one.labels) > 2:
            over = f"{one.friedman.blocks} pictures, {one.metric} averaged over {len(one.boards)} boards"
            made.append(Diagram("all-boards", one.title, one.labels, one.friedman, over))
    some = sorted((e for e in found if e is not None), key=lambda e: -len(e.labels))
    for each in some:
        if each.friedman is not None and len(each.labels) > 2:
            over = f"{each.pictures} pictures"
            made.append(Diagram(slug(each.title, 48), each.title, each.labels, each.friedman, over))
    return made


def draw_critical(diagram: Diagram, number: int) -> Plot:
    """Demšar's diagram: best left; names on both sides; thick bars join methods that are not told apart."""
    from matplotlib.figure import Figure

    test = diagram.test
    shown = test.order[:MAX_SHOWN]
    ranks = [test.mean_ranks[i] for i in shown]
    last = len(shown) - 1
    bars = [(a, min(b, last)) for a, b in test.groups if a < last]
    lanes = _lanes([(ranks[a], ranks[b]) for a, b in bars])
    half = math.ceil(len(shown) / 2)
    under = BAR * (max(lanes, default=-1) + 1) + 0.12
    height = 0.34 + 0.42 + under + STEP * half + 0.06
    figure = Figure(figsize=(WIDE, height))
    canvas = place(figure, 0, 0, WIDE, height)
    canvas.set(xlim=(0, WIDE), ylim=(0, height))
    canvas.set_axis_off()
    low, high = math.floor(ranks[0]), max(math.ceil(ranks[-1]), math.floor(ranks[0]) + 1)
    line = height - 0.34 - 0.42

    def across(rank: float) -> float:
        return LEFT + (rank - low) / (high - low) * (WIDE - 2 * LEFT)

    def draw(xs: Sequence[float], ys: Sequence[float], **look: Any) -> None:
        canvas.plot(xs, ys, solid_capstyle="butt", **{"color": "#222222", "linewidth": 0.8, **look})

    draw([across(low), across(high)], [line, line])
    step = max(1, math.ceil((high - low) / 12))
    for tick in range(low, high + 1, step):
        draw([across(tick)] * 2, [line, line + 0.05])
        canvas.text(across(tick), line + 0.07, str(tick), ha="center", va="bottom", fontsize=8)
    width = test.critical_difference / (high - low) * (WIDE - 2 * LEFT)
    if width <= WIDE - 2 * LEFT:
        above = line + 0.27
        draw([across(low), across(low) + width], [above, above], linewidth=1.4)
        for end in (across(low), across(low) + width):
            draw([end, end], [above - 0.03, above + 0.03])
        text = f"CD = {test.critical_difference:.2f}"
        canvas.text(across(low) + width + 0.06, above, text, ha="left", va="center", fontsize=8)
    for (first, end), lane in zip(bars, lanes, strict=True):
        y = line - 0.09 - BAR * lane
        draw([across(ranks[first]) - 0.03, across(ranks[end]) + 0.03], [y, y], linewidth=2.6, color="#0072B2")
    names = legend_names([diagram.labels[method] for method in shown], LEFT - MARGIN - 0.5)
    for spot, method in enumerate(shown):
        left = spot < half
        y = line - under - STEP * ((spot if left else last - spot) + 0.4)
        x = across(ranks[spot])
        edge = LEFT - MARGIN if left else WIDE - LEFT + MARGIN
        draw([x, x, edge], [line, y, y], linewidth=0.6, color="#6b7280")
        name = names[diagram.labels[method]]
        text = f"{name}  {ranks[spot]:.2f}" if left else f"{ranks[spot]:.2f}  {name}"
        canvas.text(edge - 0.04 if left else edge + 0.04, y, text, ha="right" if left else "left", va="center",
                    fontsize=8)  # fmt: skip
    canvas.text(WIDE / 2, height - 0.15, fit(diagram.heading, WIDE - 0.3, 9), ha="center", va="center", fontsize=9)
    caption = (
        f"Mean rank of each method over {diagram.over} ({diagram.heading}), best left. Bars join methods whose mean "
        f"ranks differ by less than the critical difference of {test.critical_difference:.2f} (Nemenyi, 5 %). "
        f"Friedman: {friedman_text(test)}."
    )
    if len(shown) < len(test.order):
        caption += f" {len(test.order) - len(shown)} methods of worse mean rank are left out."
    return save(figure, f"critical-{number:02d}-{diagram.name}", one_line(caption, 700))


def friedman_text(test: Friedman) -> str:
    """`χ²(8) = 90.1, p = 4.5e-16`."""
    return f"χ²({len(test.mean_ranks) - 1}) = {test.chi2:.1f}, p = {test.p:.2g}"


def _lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The first lane, from 0, in which each span meets no other."""
    ends: list[float] = []
    chosen = []
    for low, high in spans:  # by their low ends
        free = next((lane for lane, end in enumerate(ends) if end < low), len(ends))
        ends[free : free + 1] = [high]
        chosen.append(free)
    return chosen
