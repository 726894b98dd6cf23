"""What a metric of a pair of cells says: its numbers, and the limits of the gate that they break."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..boards.units import units_of
from ..comparing.pairing import Paired, Pairings, Places, Shelf
from ..comparing.score_tables import score_tables
from ..statistics.exact_scores import compared, is_exact
from ..statistics.paired_tests import Floats, paired_difference
from ..store.cell import Cell
from ..store.record import Record, words_of
from ..suite.rules import Rule
from ..text.errors import one_line
from ..text.wording import counted
from .limits import Groups, limits_broken, why_not_above_baseline, why_not_first
from .rules import Limit, limits
from .verdict import OK, REGRESSION, UNCOUNTED, GateFinding, finding


@dataclass(frozen=True)
class Sides:
    """Both sides as they are, and as they are without the cells that were edited by hand; the `keys` of the old one."""

    old: Shelf
    new: Shelf
    genuine: Shelf
    before: Groups
    now: Groups
    rules: Sequence[Rule]
    keys: frozenset[str]
    pairings: Pairings
    gated: dict[tuple[int, ...], dict[str, dict[str, Limit]]] = field(default_factory=dict)

    def limits_of(self, cell: Cell) -> dict[str, dict[str, Limit]]:
        """What holds for each metric of a cell, where something does: found once for cells that share their parts."""
        parts = ("metrics", "method", "dataset", "regime") if self.rules else ("metrics",)
        key = tuple(id(getattr(cell, part)) for part in parts)
        if key not in self.gated:
            asked = {name: limits(self.rules, cell, name) for name in cell.metrics}
            self.gated[key] = {name: active for name, active in asked.items() if active}
        return self.gated[key]


class MetricPair(NamedTuple):
    """A metric of a pair of cells, before any number: what holds for it, and how their items go together."""

    record: Record
    partner: Record
    label: str
    metric: str
    limits: Mapping[str, Limit]
    paired: Paired

    @property
    def sides(self) -> tuple[Floats, Floats]:
        """The scores of either side."""
        return self.paired.scores(self.record, self.partner, self.metric)


class MetricChange(NamedTuple):
    """What the scores of a metric say: the loss of the mean, both means, the largest loss of an item and its row, the
    number of items; `gone` says which exact items were lost."""

    drop: float
    before: float
    now: float
    most: float
    row: int
    items: int
    gone: str = ""


def numbers_of_all(scores: Sequence[MetricPair]) -> list[MetricChange | GateFinding]:
    """What each says. Those of equally many finite scores, each a unit by itself, are rows of one table."""
    results: list[MetricChange | GateFinding | None] = [None] * len(scores)
    kinds = {
        place: (len(one.paired.names), one.record.cell.metrics[one.metric].higher)
        for place, one in enumerate(scores)
        if not one.paired.units.merged
    }
    for places, a, b, higher in score_tables(kinds, lambda place: scores[place].sides):
        for place, finite, of_row in zip(places, *losses_of(a, b, higher).changes(), strict=True):
            results[place] = of_row if finite else None
    return [_numbers_of(scores[place]) if one is None else one for place, one in enumerate(results)]


class LossColumns(NamedTuple):
    """The same of each row of scores, (P,) each; `finite` says where all differences are finite numbers."""

    finite: npt.NDArray[np.bool_]
    drop: Floats
    before: Floats
    now: Floats
    most: Floats
    row: Places
    items: int

    def changes(self) -> tuple[list[bool], list[MetricChange]]:
        """Which rows are finite, and each as an object."""
        rows = zip(self.drop.tolist(), self.before.tolist(), self.now.tolist(), self.most.tolist(), self.row.tolist(),
                   strict=True)  # fmt: skip
        return self.finite.tolist(), [MetricChange(*row, self.items) for row in rows]


def losses_of(a: Floats, b: Floats, higher: bool) -> LossColumns:
    """What (P, n) scores on either side say."""
    items = a.shape[1]
    with np.errstate(invalid="ignore"):
        losses = -(b - a) if higher else b - a
        drop, before, now = (np.add.reduce(of, axis=1) / items for of in (losses, a, b))
    rows = losses.argmax(axis=1)
    finite = np.logical_and.reduce(np.isfinite(losses), axis=1)
    return LossColumns(finite, drop, before, now, losses[np.arange(len(a)), rows], rows, items)


def _numbers_of(scores: MetricPair) -> MetricChange | GateFinding:
    """What one metric says, where items are one unit, exact or without a score."""
    record, partner, label, metric, _, (rows, units, _) = scores
    cell, part, words = record.cell, record.cell.metrics[metric], words_of(record.cell)
    a, b = scores.sides
    with np.errstate(invalid="ignore"):
        change = b - a
    finite = bool(np.isfinite(change).all())
    places, defined = np.arange(len(a)), ~np.isnan(a)
    if not defined.any():
        return finding(UNCOUNTED, cell, label, metric, f"{metric} is not defined in the baseline")
    if not defined.all():
        units = units_of((record, partner), [side[defined].tolist() for side in rows])
        places, a, b = places[defined], a[defined], b[defined]
    undefined = np.flatnonzero(np.isnan(b))
    if len(undefined):
        gone = counted(len(undefined), words["item"], words["items"])
        item = record.items[rows[0][places[undefined[0]]]]
        return finding(REGRESSION, cell, label, metric, f"{metric} is no longer defined on {gone}, such as {item}")
    if not finite:
        change = paired_difference(b[None], a)[0]
    losses = -change if part.higher else change
    averaged, gone = [units.average(values) for values in (losses, a, b)], ""
    exact_a, exact_b = (is_exact(values, part.higher) for values in (a, b))
    if count := int((exact_a & ~exact_b).sum()):
        no_longer = counted(count, words["item"], words["items"])
        gone = f"no longer exact on {no_longer} (exact on {exact_a.sum()} before and {exact_b.sum()} now)"
    kept = compared(np.stack(averaged[1:]), part.higher)
    with np.errstate(invalid="ignore"):
        drop, before, now = (float(of[kept].mean()) if kept.any() else math.nan for of in averaged)
    place = int(losses.argmax())
    return MetricChange(drop, before, now, float(losses[place]), int(places[place]), len(a), gone)


def judged_scores(scores: MetricPair, numbers: MetricChange | GateFinding, sides: Sides) -> GateFinding:
    if isinstance(numbers, GateFinding):
        return numbers
    record, partner, label, metric, active = scores[:5]
    cell, part = record.cell, record.cell.metrics[metric]
    item = record.items[scores.paired.rows[0][numbers.row]]
    # What was lost and won without bounds at once, or leaves no item to average, is a loss all the same.
    judged = math.inf if math.isnan(numbers.drop) else numbers.drop
    worst = f"{words_of(cell)['item']} {item}", numbers.most
    reasons: list[str | None] = [*limits_broken(active, judged, worst, numbers.before, part, numbers.gone)]
    if "min_above_baseline" in active:
        reasons.append(why_not_above_baseline(partner, metric, active["min_above_baseline"], sides.now))
    if "must_stay_first" in active:
        reasons.append(why_not_first(record, partner, metric, active["must_stay_first"], sides.before, sides.now))
    broken = [reason for reason in reasons if reason is not None]
    return GateFinding(
        REGRESSION if broken else OK,
        cell,
        label,
        metric,
        tuple(map(one_line, broken)),
        numbers.items,
        numbers.before,
        numbers.now,
        -numbers.drop if part.higher else numbers.drop,
        numbers.most,
        item if numbers.most > 0 else "",
        partner.cell.seconds,
    )
