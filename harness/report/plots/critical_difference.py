"""Diagrams of mean ranks: methods on a line, bars over what a test does not tell apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...statistics.friedman import Friedman
from ...statistics.ranking import Pairs, cliques
from ...text.errors import one_line
from ..escape import slug
from ..order_stability import first_board, friedman_text, who_is_compared
from .drawing import Plot, blank_canvas, fit, legend_names, save, text_width
from .end_labels import look_of
from .looks import Look, Looks
from .sheets import HOUSE, Sheet

if TYPE_CHECKING:
    from ..data import ReportData

MOST = 20
"""Methods of a diagram at most: names and bars of more are not told apart by eye."""
SHARE = 0.5
"""Of the scale of ranks: where the critical difference is more of it, bars join nearly everything."""
INK, BAR = "#222222", "#4b5563"
STEP, LANE = 0.19, 0.075


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
    for stats, items in sorted(each, key=lambda pair: -len(pair[0].labels)):
        if stats.friedman is not None and len(stats.labels) > 2:
            over = f"{stats.friedman.blocks} {items}"
            rule = f"that the paired test of the mean {stats.metric} does not tell apart, as in the ranges of the board"
            chosen.append(
                Diagram(slug(stats.title, 48), stats.title, stats.labels, stats.friedman, over, stats.apart, rule)
            )
    return chosen


def why_unreadable(diagram: Diagram) -> str:
    """Why a diagram would say nothing; empty for one that is drawn."""
    test, count = diagram.test, len(diagram.labels)
    if count > MOST:
        return f"more than {MOST} methods"
    if test.critical_difference > SHARE * (count - 1):
        return (
            f"too few blocks for so many methods (such as {test.blocks} for {count}: the critical difference is more "
            "than half of the scale of mean ranks)"
        )
    return "" if diagram.apart.any() else "no two methods are told apart"


def readable(candidates: Sequence[Diagram], notes: list[str]) -> list[Diagram]:
    """The diagrams worth drawing; a note says how many others there are, and why they are not drawn."""
    reasons: dict[str, int] = {}
    kinds: dict[str, str] = {}
    for diagram in candidates:
        if why := why_unreadable(diagram):
            kind = kinds.setdefault(why.partition(" (")[0], why)
            reasons[kind] = reasons.get(kind, 0) + 1
    for why, count in reasons.items():
        notes.append(f"critical differences: not drawn are {count} of {len(candidates)} diagrams: {why}")
    return [diagram for diagram in candidates if not why_unreadable(diagram)]


def draw_critical(diagram: Diagram, number: int, looks: Looks, sheet: Sheet = HOUSE) -> Plot:
    """Demšar's diagram: best left; names on both sides; thick bars join methods that are not told apart."""
    k, test = sheet.scale, diagram.test
    ranks = [test.mean_ranks[i] for i in test.order]
    bars = cliques(diagram.apart[np.ix_(test.order, test.order)])
    lanes = _lanes([(ranks[bar[0]], ranks[bar[-1]]) for bar in bars])
    labels = [diagram.labels[method] for method in test.order]
    room = (sheet.width - (1.3 if sheet.narrow else 2.6) * k) / 2
    # One column has room for names or for ranks, which the tables have.
    numbered = not sheet.narrow
    names = legend_names(labels, room - (0.85 if numbered else 0.27) * k, sheet.text)
    sides = max(text_width(f"{name}  00.00" if numbered else name, sheet.text) for name in names.values()) + 0.22 * k
    under = LANE * k * (max(lanes, default=-1) + 1) + 0.12 * k
    above = (0.34 + (0.42 if diagram.critical is not None else 0.22)) * k
    rows = math.ceil(len(labels) / 2)
    height = above + under + STEP * k * rows + 0.08 * k
    axes = blank_canvas(sheet.width, height)
    axes.set(xlim=(0, sheet.width), ylim=(0, height))
    low = math.floor(ranks[0])
    margin = sides + 0.06 * k
    canvas = _Canvas(axes, low, max(math.ceil(ranks[-1]), low + 1), height - above, margin, sheet)
    _draw_scale(canvas, diagram.critical)
    passes = any(len(bar) <= bar[-1] - bar[0] for bar in bars)
    for bar, lane in zip(bars, lanes, strict=True):
        y = canvas.line - (0.09 + LANE * lane) * k
        ends = [canvas.across(ranks[bar[0]]) - 0.03 * k, canvas.across(ranks[bar[-1]]) + 0.03 * k]
        canvas.draw(ends, [y, y], linewidth=1.2 if passes else 2.6, color=BAR)
        if passes:
            across = [canvas.across(ranks[place]) for place in bar]
            canvas.draw(across, [y] * len(bar), linestyle="none", marker="o", markersize=3.4 * k, color=BAR)
    _draw_names(canvas, [(names[label], look_of(looks, label)) for label in labels], ranks, canvas.line - under)
    axes.text(sheet.width / 2, height - 0.16 * k, fit(diagram.heading, sheet.width - 0.3, sheet.heading), ha="center",
              va="center", fontsize=sheet.heading)  # fmt: skip
    caption = (
        f"Mean rank of each method over {diagram.over} ({diagram.heading}), best left. Bars join methods "
        f"{diagram.rule}{'; dots mark the methods of a bar' if passes else ''}. Friedman: {friedman_text(test)}."
    )
    if diagram.note:
        caption += f" {diagram.note}"
    return save(axes.figure, f"critical-{number:02d}-{diagram.name}", one_line(caption, 1_500))


@dataclass(frozen=True)
class _Canvas:
    """Axes in inches with a scale of ranks `low` … `high` at height `line`; `margin` on both sides is free."""

    axes: Any
    low: int
    high: int
    line: float
    margin: float
    sheet: Sheet

    @property
    def wide(self) -> float:
        """How long the scale is."""
        return self.sheet.width - 2 * self.margin

    def across(self, rank: float) -> float:
        """Where a rank lies."""
        return self.margin + self.length(rank - self.low)

    def length(self, ranks: float) -> float:
        """How long so many ranks are."""
        return ranks / (self.high - self.low) * self.wide

    def draw(self, xs: Sequence[float], ys: Sequence[float], *, linewidth: float = 0.8, **look: Any) -> None:
        """A line, as wide as it is in text of the house."""
        look = {"color": INK, **look}
        self.axes.plot(xs, ys, solid_capstyle="butt", linewidth=linewidth * self.sheet.scale, **look)


def _draw_scale(canvas: _Canvas, critical_difference: float | None) -> None:
    """The line of ranks with its ticks, and above it the critical difference where there is one."""
    low, high, line, k, size = canvas.low, canvas.high, canvas.line, canvas.sheet.scale, canvas.sheet.text
    canvas.draw([canvas.across(low), canvas.across(high)], [line, line])
    for tick in range(low, high + 1, max(1, math.ceil((high - low) * 0.25 * k / canvas.wide))):
        canvas.draw([canvas.across(tick)] * 2, [line, line + 0.05 * k])
        canvas.axes.text(canvas.across(tick), line + 0.07 * k, str(tick), ha="center", va="bottom", fontsize=size)
    if critical_difference is not None:
        width = canvas.length(critical_difference)
        start, above = canvas.across(low), line + 0.3 * k
        canvas.draw([start, start + width], [above, above], linewidth=1.4)
        for end in (start, start + width):
            canvas.draw([end, end], [above - 0.03 * k, above + 0.03 * k])
        text = f"CD = {critical_difference:.2f}"
        canvas.axes.text(start + width + 0.06 * k, above, text, ha="left", va="center_baseline", fontsize=size)


def _draw_names(canvas: _Canvas, named: Sequence[tuple[str, Look]], ranks: Sequence[float], top: float) -> None:
    """The better half of the methods at the left, the others at the right, each with a line to its rank."""
    k, size = canvas.sheet.scale, canvas.sheet.text
    half, last = math.ceil(len(named) / 2), len(named) - 1
    for spot, ((name, look), rank) in enumerate(zip(named, ranks, strict=True)):
        on_left = spot < half
        y = top - STEP * k * ((spot if on_left else last - spot) + 0.4)
        x = canvas.across(rank)
        edge = canvas.margin - 0.12 * k if on_left else canvas.sheet.width - canvas.margin + 0.12 * k
        canvas.draw([x, x, edge], [canvas.line, y, y], linewidth=0.6, color="#6b7280")
        canvas.draw([x], [canvas.line], clip_on=False, markersize=4.2 * k, zorder=3, label=name, **look.point(k))
        canvas.draw([edge], [y], markersize=4.2 * k, zorder=3, **look.point(k))
        text = name if canvas.sheet.narrow else f"{name}  {rank:.2f}" if on_left else f"{rank:.2f}  {name}"
        canvas.axes.text(edge - 0.07 * k if on_left else edge + 0.07 * k, y, text, ha="right" if on_left else "left",
                         va="center_baseline", fontsize=size, label="name")  # fmt: skip


def _lanes(spans: Sequence[tuple[float, float]]) -> list[int]:
    """The first lane, from 0, in which each span meets no other."""
    ends: list[float] = []
    chosen = []
    for low, high in spans:  # by their low ends
        free = next((lane for lane, end in enumerate(ends) if end < low), len(ends))
        ends[free : free + 1] = [high]
        chosen.append(free)
    return chosen
