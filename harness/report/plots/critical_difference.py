"""Diagrams of mean ranks: methods on a line, bars over what a test does not tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import one_line
from ...statistics.friedman import Friedman
from ...statistics.ranking import Pairs, cliques
from ...wording import counted
from ..escape import slug
from ..order_stability import first_board, friedman_text, who_is_compared
from .drawing import WIDE, Plot, fit, legend_names, place, save

if TYPE_CHECKING:
    from ..data import ReportData

MAX_SHOWN = 24
LEFT, MARGIN = 2.05, 0.12
STEP, BAR = 0.19, 0.075


@dataclass(frozen=True)
class Diagram:
    """What one diagram shows: which methods, their mean ranks, a heading, what the ranks are over and who is missing.

    `apart` says which pairs are told apart, and `rule` by what; `critical` is the difference of mean ranks by which
    they are, None where it was another test.
    """

    name: str
    heading: str
    labels: tuple[str, ...]
    test: Friedman
    over: str
    apart: Pairs
    rule: str
    critical: float | None = None
    note: str = ""


def diagrams(data: ReportData) -> list[Diagram]:
    """Everything that can be drawn (three methods or more): all boards together first, then each board."""
    chosen = []
    for one in data.overall:
        if one.friedman is not None and len(one.labels) > 2:
            items = first_board(one, data.boards).words["items"]
            over = f"{one.friedman.blocks} {items}, {one.metric} averaged over {len(one.boards)} boards"
            test = one.friedman
            rule = (
                f"whose mean ranks differ by less than the critical difference of {test.critical_difference:.2f} "
                "(Nemenyi, 5 %)"
            )
            name = "all-boards" if len(one.boards) == one.of else "shared-boards"
            note = " ".join(who_is_compared(one))
            chosen.append(
                Diagram(name, one.title, one.labels, test, over, test.apart, rule, test.critical_difference, note)
            )
    each = [(e, board.words["items"]) for e, board in zip(data.evidence, data.boards, strict=True) if e is not None]
    for own, items in sorted(each, key=lambda pair: -len(pair[0].labels)):
        if own.friedman is not None and len(own.labels) > 2:
            over = f"{own.friedman.blocks} {items}"
            rule = f"that the paired test of the mean {own.metric} does not tell apart, as in the ranges of the board"
            chosen.append(Diagram(slug(own.title, 48), own.title, own.labels, own.friedman, over, own.apart, rule))
    return chosen


def draw_critical(diagram: Diagram, number: int) -> Plot:
    """Demšar's diagram: best left; names on both sides; thick bars join methods that are not told apart."""
    from matplotlib.figure import Figure

    test = diagram.test
    shown = test.order[:MAX_SHOWN]
    ranks = [test.mean_ranks[i] for i in shown]
    bars = cliques(diagram.apart[np.ix_(shown, shown)])
    lanes = _lanes([(ranks[bar[0]], ranks[bar[-1]]) for bar in bars])
    under = BAR * (max(lanes, default=-1) + 1) + 0.12
    height = 0.34 + 0.42 + under + STEP * math.ceil(len(shown) / 2) + 0.06
    figure = Figure(figsize=(WIDE, height))
    axes = place(figure, 0, 0, WIDE, height)
    axes.set(xlim=(0, WIDE), ylim=(0, height))
    axes.set_axis_off()
    low = math.floor(ranks[0])
    canvas = _Canvas(axes, low, max(math.ceil(ranks[-1]), low + 1), height - 0.34 - 0.42)
    _draw_scale(canvas, diagram.critical)
    passes = any(len(bar) <= bar[-1] - bar[0] for bar in bars)
    for bar, lane in zip(bars, lanes, strict=True):
        y = canvas.line - 0.09 - BAR * lane
        ends = [canvas.across(ranks[bar[0]]) - 0.03, canvas.across(ranks[bar[-1]]) + 0.03]
        canvas.draw(ends, [y, y], linewidth=1.2 if passes else 2.6, color="#0072B2")
        if passes:
            across = [canvas.across(ranks[place]) for place in bar]
            canvas.draw(across, [y] * len(bar), linestyle="none", marker="o", markersize=3.4, color="#0072B2")
    _draw_names(canvas, [diagram.labels[method] for method in shown], ranks, canvas.line - under)
    axes.text(WIDE / 2, height - 0.15, fit(diagram.heading, WIDE - 0.3, 9), ha="center", va="center", fontsize=9)
    caption = (
        f"Mean rank of each method over {diagram.over} ({diagram.heading}), best left. Bars join methods "
        f"{diagram.rule}{'; dots mark the methods of a bar' if passes else ''}. Friedman: {friedman_text(test)}."
    )
    if len(shown) < len(test.order):
        caption += f" Left out: {counted(len(test.order) - len(shown), 'method')} of worse mean rank."
    if diagram.note:
        caption += f" {diagram.note}"
    return save(figure, f"critical-{number:02d}-{diagram.name}", one_line(caption, 1_500))


@dataclass(frozen=True)
class _Canvas:
    """Axes in inches with a scale of ranks `low` … `high` at height `line`."""

    axes: Any
    low: int
    high: int
    line: float

    def across(self, rank: float) -> float:
        """Where a rank lies."""
        return LEFT + self.length(rank - self.low)

    def length(self, ranks: float) -> float:
        """How long so many ranks are."""
        return ranks / (self.high - self.low) * (WIDE - 2 * LEFT)

    def draw(self, xs: Sequence[float], ys: Sequence[float], **look: Any) -> None:
        """A line."""
        self.axes.plot(xs, ys, solid_capstyle="butt", **{"color": "#222222", "linewidth": 0.8, **look})


def _draw_scale(canvas: _Canvas, critical_difference: float | None) -> None:
    """The line of ranks with its ticks, and above it the critical difference where there is one and it has room."""
    low, high, line = canvas.low, canvas.high, canvas.line
    canvas.draw([canvas.across(low), canvas.across(high)], [line, line])
    for tick in range(low, high + 1, max(1, math.ceil((high - low) / 12))):
        canvas.draw([canvas.across(tick)] * 2, [line, line + 0.05])
        canvas.axes.text(canvas.across(tick), line + 0.07, str(tick), ha="center", va="bottom", fontsize=8)
    width = canvas.length(critical_difference or 0.0)
    if critical_difference is not None and width <= WIDE - 2 * LEFT:
        left, above = canvas.across(low), line + 0.27
        canvas.draw([left, left + width], [above, above], linewidth=1.4)
        for end in (left, left + width):
            canvas.draw([end, end], [above - 0.03, above + 0.03])
        text = f"CD = {critical_difference:.2f}"
        canvas.axes.text(left + width + 0.06, above, text, ha="left", va="center", fontsize=8)


def _draw_names(canvas: _Canvas, labels: Sequence[str], ranks: Sequence[float], top: float) -> None:
    """The better half of the methods at the left, the others at the right, each with a line to its rank."""
    names = legend_names(labels, LEFT - MARGIN - 0.5)
    half, last = math.ceil(len(labels) / 2), len(labels) - 1
    for spot, (label, rank) in enumerate(zip(labels, ranks, strict=True)):
        left = spot < half
        y = top - STEP * ((spot if left else last - spot) + 0.4)
        x, edge = canvas.across(rank), LEFT - MARGIN if left else WIDE - LEFT + MARGIN
        canvas.draw([x, x, edge], [canvas.line, y, y], linewidth=0.6, color="#6b7280")
        text = f"{names[label]}  {rank:.2f}" if left else f"{rank:.2f}  {names[label]}"
        canvas.axes.text(edge - 0.04 if left else edge + 0.04, y, text, ha="right" if left else "left", va="center",
                         fontsize=8)  # fmt: skip


def _lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The first lane, from 0, in which each span meets no other."""
    ends: list[float] = []
    chosen = []
    for low, high in spans:  # by their low ends
        free = next((lane for lane, end in enumerate(ends) if end < low), len(ends))
        ends[free : free + 1] = [high]
        chosen.append(free)
    return chosen
