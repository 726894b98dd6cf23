"""Pairs of cells of which nothing needs an explanation, as columns: most of two large stores, and no object for each.

A pair is plain where each cell has one candidate on the other side, both are ok and whole, and they have the same
items, of which each is a unit, under the same inputs, metrics and protocol, all scores finite and no set metric.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..boards.grouping import Alignment
from ..statistics.paired_tests import Floats
from ..store.record import Record
from ..store.results import Results, kinds_of
from .pairing import Paired, Pairings, Places, Shelf, same_data, same_protocol

M = TypeVar("M")
"""What a metric is to the one who asks for scores."""
_PARTS = ("cell.dataset", "cell.protocol", "cell.metrics", "cell.sets", "seed")
"""With the lists of items, what decides whether a pair is plain."""
_SCORES_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class PlainPairs:
    """`a` and `b` (P,): the places of each pair in `one` and `other`; `paired` how its items go together, by kind."""

    one: Results
    other: Results
    a: Places
    b: Places
    kinds: Places
    paired: Sequence[Paired]

    def __len__(self) -> int:
        return len(self.a)

    def take(self, chosen: Any) -> PlainPairs:
        """Some of the pairs."""
        return PlainPairs(self.one, self.other, self.a[chosen], self.b[chosen], self.kinds[chosen], self.paired)

    def items(self) -> Places:
        """How many items each pair has."""
        return np.array([len(paired.names) for paired in self.paired] or [0])[self.kinds]

    def scores(self, metric: str, chosen: Places) -> Iterator[tuple[Places, Floats, Floats]]:
        """Of some pairs, some at a time that have equally many items: which, and the scores of both sides (P, n)."""
        counts = self.items()[chosen]
        sides = [(of.scores(metric)[0], of.item_rows().starts) for of in (self.one, self.other)]
        for count in np.unique(counts).tolist():
            some = chosen[counts == count]
            used, numbers = np.unique(self.kinds[some], return_inverse=True)
            rows = [np.stack([self.paired[kind].rows[side] for kind in used.tolist()]) for side in (0, 1)]
            step = max(1, _SCORES_AT_ONCE // count)
            for start in range(0, len(some), step):
                chunk, kinds = some[start : start + step], numbers[start : start + step]
                a, b = (
                    values[starts[places[chunk]][:, None] + of_kind[kinds]]
                    for (values, starts), places, of_kind in zip(sides, (self.a, self.b), rows, strict=True)
                )
                yield chunk, a, b

    def metric_scores(
        self, kinds: Places, metrics: Sequence[Sequence[M]], name_of: Callable[[M], str]
    ) -> Iterator[tuple[M, Places, Floats, Floats]]:
        """Each metric of each kind of pair: its rows in a column of a row a pair and metric, and the scores (P, n).

        `kinds` (P,) are places in `metrics`. Rows are in the order of the pairs, then of the metrics of their kind.
        """
        counts = np.array([len(of) for of in metrics] or [0], np.intp)[kinds]
        starts = np.cumsum(counts) - counts
        for kind, of in enumerate(metrics):
            chosen = np.flatnonzero(kinds == kind)
            for number, metric in enumerate(of):
                for some, a, b in self.scores(name_of(metric), chosen):
                    yield metric, starts[some] + number, a, b


def plain_pairs(one: Shelf, other: Shelf, pairings: Pairings) -> PlainPairs:
    """The plain pairs of two sides, in the order of the first one."""
    candidates = one.only_candidates(other)
    a = np.flatnonzero((candidates >= 0) & _is_ok(one.records))
    a = a[_is_ok(other.records)[candidates[a]]]
    if not len(a):
        return PlainPairs(one.records, other.records, a, a, a, ())
    b = candidates[a]
    codes = [c[places] for side, places in ((one, a), (other, b)) for c in _codes(side.records)]
    kinds, firsts = kinds_of(codes)
    first_pairs = zip(one.records.take(a[firsts]), other.records.take(b[firsts]), strict=True)
    paired = [_paired(record, partner, pairings) for record, partner in first_pairs]
    plain = np.array([of_kind is not None for of_kind in paired])
    numbers = np.cumsum(plain) - 1
    kept = plain[kinds]
    pairs = PlainPairs(
        one.records, other.records, a[kept], b[kept], numbers[kinds[kept]], [p for p in paired if p is not None]
    )
    return pairs.take(_finite(pairs))


def _is_ok(results: Results) -> npt.NDArray[np.bool_]:
    values, codes = results.coded("outcome")
    return np.array([value == "ok" for value in values], np.bool_)[codes]


def _codes(results: Results) -> list[npt.NDArray[np.signedinteger[Any]]]:
    return [*(results.coded(part)[1] for part in _PARTS), results.item_rows().list_of]


def _paired(a: Record, b: Record, pairings: Pairings) -> Paired | None:
    """How the items of two cells go together, None where a pair of that kind is not plain."""
    one, other = ({name: (p.version, p.higher) for name, p in record.cell.metrics.items()} for record in (a, b))
    if a.cell.sets or b.cell.sets or one != other or not (same_data(a.cell, b.cell) and same_protocol(a.cell, b.cell)):
        return None
    if Alignment.why_not_whole(a) or Alignment.why_not_whole(b) or not set(one) <= set(a.scores) & set(b.scores):
        return None
    paired = pairings.of(a, b)
    whole = len(paired.rows[0]) == len(a.items) == len(b.items)
    return paired if whole and not paired.units.merged else None


def metric_names(results: Results, places: Places) -> dict[str, Places]:
    """Each metric, with those of some cells that have it, as places in `places`."""
    values, codes = results.coded("cell.metrics")
    names = dict.fromkeys(name for part in values if part for name in part)
    of = codes[places]
    return {name: np.flatnonzero(np.array([bool(p) and name in p for p in values])[of]) for name in names}


def _finite(pairs: PlainPairs) -> npt.NDArray[np.bool_]:
    """Which pairs have a finite difference of each score."""
    finite = np.ones(len(pairs), np.bool_)
    for metric, chosen in metric_names(pairs.one, pairs.a).items():
        for side, places in ((pairs.one, pairs.a), (pairs.other, pairs.b)):
            finite[chosen] &= side.scores(metric)[1][places[chosen]]
        scored = chosen[finite[chosen]]
        for some, a, b in pairs.scores(metric, scored):
            with np.errstate(invalid="ignore", over="ignore"):
                finite[some] &= np.isfinite(b - a).all(axis=1)
    return finite
