"""The differences of plain pairs of cells as columns: numbers of all at once, a difference where one is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from ..statistics.paired_tests import Floats
from ..store.record import decimals_of, gate_of, order_of
from ..store.results import Results, kinds_of
from .difference import (
    MOST_MOVED,
    DifferenceColumns,
    FileRow,
    Moved,
    PairNumbers,
    ScoreDifference,
    Test,
    Testable,
    changes_of,
    difference_of,
    have_moved,
)
from .pairing import Pairings, Places, Shelf, protocol_text
from .plain_pairs import PlainPairs, plain_pairs
from .trainings import Matched, used_by

Metric = tuple[str, str, int, bool, float | None]
"""The name of a metric, its unit, its decimals, whether more is better, and the loss that a check lets pass."""
_AT_ONCE = 2048


@dataclass(frozen=True)
class PlainDifferences:
    """The differences of `pairs`, a metric of a pair each, in the order of the pairs; `counts` says how many each has.

    `pair` (D,) are places in `pairs`, `metric` to `limit` what each is of. `changes` are the changes of the items, a
    table for those of equally many, and `row` where in its table a difference is. The rest is what `ChangeColumns` has.
    """

    one: Shelf
    other: Shelf
    pairs: PlainPairs
    counts: Places
    pair: Places
    metric: npt.NDArray[np.object_]
    unit: npt.NDArray[np.object_]
    decimals: Places
    higher: npt.NDArray[np.bool_]
    limit: Floats
    changes: dict[int, Floats]
    row: Places
    means: Floats
    difference: Floats
    outcomes: Places
    mcnemar: Floats

    @property
    def items(self) -> Places:
        """How many items each is of."""
        return self.pairs.items()[self.pair]

    def testable(self, places: Places) -> list[Testable]:
        """The changes of those that can be tested; `places` are those of the differences among all."""
        items, finite = self.items, np.isfinite(self.difference)
        tables = []
        for count, changes in self.changes.items():
            chosen = np.flatnonzero((items == count) & finite)
            rows = self.row[chosen]
            whole = len(rows) == len(changes) and (np.diff(rows) == 1).all()
            tables.append(Testable(places[chosen], changes if whole else changes[rows]))
        return tables

    def columns(self, intervals: Floats, p: Floats) -> DifferenceColumns:
        """What they are chosen by, with their intervals (D, 2) and p values (D,)."""
        changed = np.zeros(len(self.row), np.bool_)
        items = self.items
        for count, changes in self.changes.items():
            of_count = items == count
            changed[of_count] = (changes != 0).any(axis=1)[self.row[of_count]]
        no, yes = np.zeros(len(self.row), np.bool_), np.ones(len(self.row), np.bool_)
        moved = have_moved(self.difference, ~np.isnan(intervals[:, 0]), p, self.limit)
        seeds, even = np.ones(len(self.row), np.intp), ~np.isnan(self.mcnemar)
        values, codes = self.pairs.one.coded("track")
        track = np.array(values, np.object_)[codes[self.pairs.a]][self.pair]
        apart = intervals.prod(axis=1) > 0
        return DifferenceColumns(
            track, self.metric, self.decimals, self.means, self.difference, apart, moved, changed, yes, seeds, no, even,
            no,
        )  # fmt: skip

    def difference_at(self, n: int, test: Test) -> ScoreDifference:
        """One of them, with its test."""
        pair, metric = int(self.pair[n]), str(self.metric[n])
        a, b = self.pairs.one[int(self.pairs.a[pair])], self.pairs.other[int(self.pairs.b[pair])]
        paired = self.pairs.paired[int(self.pairs.kinds[pair])]
        change = self.changes[len(paired.names)][self.row[n]]
        mean_a, mean_b = self.means[n].tolist()
        better, same, worse = self.outcomes[n].tolist()
        even = None if np.isnan(self.mcnemar[n]) else float(self.mcnemar[n])
        labels, seeds = (self.one.label(a.cell), self.other.label(b.cell)), (a.cell.seed,)
        scores = paired.scores(a, b, metric)
        matched = Matched(a, b, labels, metric, paired.names, scores, "", seeds, used_by(a, b))
        difference = float(self.difference[n])
        numbers = PairNumbers(change, (mean_a, mean_b), (better, same, worse), even, difference, change)
        return difference_of(matched, numbers, test)

    def file_rows(self, intervals: Floats, ps: Floats) -> Iterator[FileRow]:
        """What files say of each, of their intervals (D, 2) and p values (D,)."""
        cells = self.pairs.one
        datasets, regimes, seeds = (cells.column(name) for name in ("dataset", "regime", "seed"))
        protocols = cells.each(protocol_text, "cell.protocol")
        items = self.items
        for start in range(0, len(self.row), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            pairs = self.pair[some]
            a, b = self.pairs.a[pairs].tolist(), self.pairs.b[pairs].tolist()
            low, high = ([None if math.isnan(end) else end for end in column] for column in intervals[some].T.tolist())
            finite = np.isfinite(self.difference[some]).tolist()
            p = [of if known else None for of, known in zip(ps[some].tolist(), finite, strict=True)]
            even = [None if math.isnan(of) else of for of in self.mcnemar[some].tolist()]
            texts = (map(of.__getitem__, a) for of in (self.one.labels, datasets, regimes, protocols))
            label, dataset, regime, protocol = texts
            yield from map(FileRow._make, zip(
                label, map(self.other.labels.__getitem__, b), dataset, regime, protocol,
                zip(map(seeds.__getitem__, a)), self.metric[some].tolist(), self.unit[some].tolist(),
                self.higher[some].tolist(), items[some].tolist(), *self.means[some].T.tolist(),
                self.difference[some].tolist(), low, high, p, *self.outcomes[some].T.tolist(), even,
                [""] * len(a), strict=True,
            ))  # fmt: skip

    def moved_most(self) -> Iterator[Moved]:
        """The items of each that moved most."""
        items, names = self.items, [paired.names for paired in self.pairs.paired]
        for start in range(0, len(self.row), _AT_ONCE):
            yield from self._moved_most(start, items[start : start + _AT_ONCE], names)

    def _moved_most(self, start: int, items: Places, names: Sequence[Sequence[str]]) -> list[Moved]:
        """The same of some differences in a row."""
        moved: list[Moved] = [[]] * len(items)
        kinds = self.pairs.kinds[self.pair[start : start + len(items)]].tolist()
        for count in np.unique(items).tolist():
            chosen = np.flatnonzero(items == count)
            changes = self.changes[count][self.row[start + chosen]]
            order = np.argsort(-np.abs(changes), axis=1, kind="stable")[:, :MOST_MOVED]
            largest = np.take_along_axis(changes, order, axis=1).tolist()
            for place, of, values in zip(chosen.tolist(), order.tolist(), largest, strict=True):
                named = names[kinds[place]]
                moved[place] = [(named[item], value) for item, value in zip(of, values, strict=True) if value != 0]
        return moved


def plain_differences(one: Shelf, other: Shelf, pairings: Pairings) -> PlainDifferences:
    """The differences of the plain pairs of two sides, those of trained networks apart."""
    pairs = plain_pairs(one, other, pairings)
    pairs = pairs.take(~(_is_trained(pairs.one)[pairs.a] | _is_trained(pairs.other)[pairs.b]))
    kinds, metrics = _metrics(pairs)
    counts = np.array([len(of) for of in metrics], np.intp)[kinds] if len(pairs) else kinds
    size = int(counts.sum())
    metric, unit, higher = np.empty(size, np.object_), np.empty(size, np.object_), np.empty(size, np.bool_)
    decimals = np.empty(size, np.intp)
    limit, row = np.empty(size), np.empty(size, np.intp)
    means, difference, outcomes, mcnemar = (
        np.empty((size, 2)),
        np.empty(size),
        np.empty((size, 3), np.intp),
        np.empty(size),
    )
    items = pairs.items()
    filled = dict.fromkeys(np.unique(items).tolist(), 0)
    changes = {count: np.empty((int(counts[items == count].sum()), count)) for count in filled}
    for (name, of_unit, digits, more, most), at, a, b in pairs.metric_scores(kinds, metrics, itemgetter(0)):
        columns, count = changes_of(a, b, more), a.shape[1]
        end = filled[count] + len(at)
        row[at], changes[count][filled[count] : end] = np.arange(filled[count], end), columns.change
        filled[count] = end
        metric[at], unit[at], decimals[at], higher[at] = name, of_unit, digits, more
        limit[at] = np.nan if most is None else most
        means[at, 0], means[at, 1], difference[at] = columns.mean_a, columns.mean_b, columns.difference
        outcomes[at] = np.stack([columns.better, columns.same, columns.worse], axis=1)
        mcnemar[at] = columns.mcnemar
    pair = np.repeat(np.arange(len(pairs)), counts)
    return PlainDifferences(
        one, other, pairs, counts, pair, metric, unit, decimals, higher, limit, changes, row, means, difference,
        outcomes, mcnemar,
    )  # fmt: skip


def _is_trained(results: Results) -> npt.NDArray[np.bool_]:
    trained = np.zeros(len(results), np.bool_)
    for part in ("cell.trained", "cell.tuned"):
        values, codes = results.coded(part)
        trained |= np.array([bool(value) for value in values], np.bool_)[codes]
    return trained


def _metrics(pairs: PlainPairs) -> tuple[Places, list[list[Metric]]]:
    """The kind of each pair, and the metrics of each kind, in the order that they themselves ask for."""
    if not len(pairs):
        return pairs.kinds, []
    kinds, firsts = kinds_of([pairs.one.coded("cell.metrics")[1][pairs.a]])
    return kinds, [
        [
            (name, part.unit, decimals_of(name, part), part.higher, gate_of(name, part).get("max_drop"))
            for name, part in sorted(cell.metrics.items(), key=lambda one: (order_of(*one), one[0]))
        ]
        for cell in pairs.one.take(pairs.a[firsts]).each_cell()
    ]
