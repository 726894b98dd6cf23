"""The findings of plain pairs of cells as columns: the numbers of all at once, a finding where one is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from ..comparing.pairing import Places, Shelf
from ..comparing.plain_pairs import PlainPairs, plain_pairs
from ..statistics.paired_tests import Floats
from ..store.results import kinds_of
from .limits import breaking
from .rules import Limit
from .score_findings import MetricChange, MetricPair, Sides, judged_scores, losses_of
from .verdict import OK, REGRESSION, STATUSES, FindingColumns, GateFinding

Gated = tuple[tuple[str, bool, tuple[tuple[str, Limit], ...]], ...]
"""The metrics of a cell for which something holds: whether more is better, and the limits."""
_BESIDE_OTHERS = ("min_above_baseline", "must_stay_first")
"""Limits that need the scores of other cells."""


@dataclass(frozen=True)
class PlainFindings:
    """The findings of `pairs`, a metric of a pair each, in the order of the pairs; `counts` says how many each has.

    `pair` and `metric` (F,) are places in `pairs` and `metrics`; the rest is what `MetricChange` has.
    """

    pairs: PlainPairs
    counts: Places
    sides: Sides
    metrics: tuple[str, ...]
    pair: Places
    metric: Places
    drop: Floats
    before: Floats
    now: Floats
    most: Floats
    row: Places
    broken: npt.NDArray[np.bool_]
    higher: npt.NDArray[np.bool_]

    def columns(self) -> FindingColumns:
        """What they are counted and sorted by."""
        status = np.where(self.broken, STATUSES.index(REGRESSION), STATUSES.index(OK)).astype(np.uint8)
        scale = np.abs(self.before)
        share = self.most / np.where(scale == 0, 1.0, scale)
        yes, no = np.ones(len(status), np.bool_), np.zeros(len(status), np.bool_)
        return FindingColumns(status, yes, no, np.where(self.higher, -self.drop, self.drop), share)

    def finding(self, n: int) -> GateFinding:
        """One of them."""
        pair, metric = int(self.pair[n]), self.metrics[int(self.metric[n])]
        record, partner = self.pairs.one[int(self.pairs.a[pair])], self.pairs.other[int(self.pairs.b[pair])]
        paired, cell = self.pairs.paired[int(self.pairs.kinds[pair])], record.cell
        drop, before, now, most = (float(column[n]) for column in (self.drop, self.before, self.now, self.most))
        change = MetricChange(drop, before, now, most, int(self.row[n]), len(paired.names))
        active = self.sides.limits_of(cell)[metric]
        return judged_scores(
            MetricPair(record, partner, self.sides.old.label(cell), metric, active, paired), change, self.sides
        )


def plain_findings(one: Shelf, other: Shelf, sides: Sides) -> PlainFindings:
    """The findings of the plain pairs of two sides, those apart that no rule or one beside other cells holds for."""
    pairs = plain_pairs(one, other, sides.pairings)
    kinds, gated = _gated(pairs, sides)
    kept = np.array([len(of) > 0 for of in gated], np.bool_)[kinds]
    pairs, kinds = pairs.take(kept), kinds[kept]
    metrics = tuple(dict.fromkeys(metric for of in gated for metric, _, _ in of))
    counts = np.array([len(of) for of in gated], np.int64)[kinds]
    size = int(counts.sum())
    drop, before, now, most = (np.empty(size) for _ in range(4))
    row, metric_of = np.empty(size, np.int64), np.empty(size, np.int64)
    broken, higher = np.empty(size, np.bool_), np.empty(size, np.bool_)
    for (metric, more, active), at, a, b in pairs.metric_scores(kinds, gated, itemgetter(0)):
        losses = losses_of(a, b, more)
        drop[at], before[at], now[at] = losses.drop, losses.before, losses.now
        most[at], row[at] = losses.most, losses.row
        broken[at] = breaking(dict(active), losses.drop, losses.most, losses.before)
        metric_of[at], higher[at] = metrics.index(metric), more
    pair = np.repeat(np.arange(len(pairs)), counts)
    return PlainFindings(pairs, counts, sides, metrics, pair, metric_of, drop, before, now, most, row, broken, higher)


def _gated(pairs: PlainPairs, sides: Sides) -> tuple[Places, list[Gated]]:
    """What holds for the metrics of each pair: the kind of it, and the metrics of each kind, none of those apart."""
    if not len(pairs):
        return pairs.kinds, []
    parts = ("metrics", "method", "dataset", "regime") if sides.rules else ("metrics",)
    alike, firsts = kinds_of([pairs.one.coded(f"cell.{part}")[1][pairs.a] for part in parts])
    numbers: dict[Gated, int] = {}
    kind_of: list[int] = []
    for cell in pairs.one.take(pairs.a[firsts]).each_cell():
        of = tuple((name, cell.metrics[name].higher, tuple(a.items())) for name, a in sides.limits_of(cell).items())
        beside = any(limit in _BESIDE_OTHERS for *_, active in of for limit, _ in active)
        kind_of.append(numbers.setdefault(() if beside else of, len(numbers)))
    return np.array(kind_of)[alike], [*numbers]
