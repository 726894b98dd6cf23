"""The differences of a comparison: what each pair of scores says by itself, and the tests of all of them at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..statistics.exact_scores import compared
from ..statistics.mcnemar import mcnemar
from ..statistics.paired_tests import ALPHA, MIN_ITEMS, Floats, mean_differences, paired_difference
from ..store.record import decimals_of, gate_of, goal_of
from .on_demand import Columns, OnDemand
from .pairing import Places, protocol_text
from .score_tables import score_tables
from .trainings import Matched, over_trainings

MOST_MOVED = 3
"""Items that moved most which files name."""
READING = (
    f"Difference: B − A, mean over the items whose input is the same by hash. In brackets: its interval. p: of a mean "
    f"difference of 0. Both are of the mean, over all rows at once (bootstrap-t over items, keyed; {ALPHA:.0%}): an "
    f"interval leaves 0 out where p is at most {ALPHA:.0%}. Below {MIN_ITEMS} items there are none. Items on which a "
    f"side is exact (an infinite score) count in no mean; inf: exact on all. Better, same, worse: items on which B is "
    f"better than, equal to or worse than A."
)
READING_TRAININGS = (
    "Rows of several seeds are of networks that were trained for each: their mean is tested over items and trainings, "
    "as on a board."
)
READING_WEIGHTS = "Other rows of trained networks have one seed: they speak of these weights."
READING_MCNEMAR = (
    "McNemar p: where every score is 0 or 1, the exact test of this row alone: of the items on which the sides differ, "
    "each would be better on half."
)


class ScoreDifference(NamedTuple):
    """One metric of one matched pair of cells. `a` and `b` are scores a unit (n,), in the order of `items`.

    An item is a unit where none is equal to it or of its group; a unit of several is named by its first.

    `change` is b − a on each item (n,), `means` those of A and of B over the items that neither side has exact: a side
    that has every item exact takes none from the other one. `difference` is the mean of the changes on these items, in
    the unit of the metric, of which `decimals` are printed. Each is NaN where there is no such item; `interval` is None
    where there is none, and `p` is 1 there. Both hold over all rows of a comparison at once. `counts` are the items on
    which B is better, the same, worse; `mcnemar` is the p of McNemar's exact test, None unless every score is 0 or 1.
    `limit` is the loss of the mean that a check lets pass, None where the metric declares none. `trained` says whether
    either side uses a trained network; of several `seeds` scores are means, and keys are those of the first.
    """

    track: str
    method_a: str
    method_b: str
    dataset: str
    regime: str
    protocol: str
    seeds: tuple[int, ...]
    metric: str
    unit: str
    higher: bool
    goal: str
    decimals: int
    items: tuple[str, ...]
    a: Floats
    b: Floats
    note: str
    key_a: str
    key_b: str
    limit: float | None
    trained: bool
    change: Floats
    means: tuple[float, float]
    counts: tuple[int, int, int]
    mcnemar: float | None
    difference: float
    interval: tuple[float, float] | None
    p: float

    @property
    def method(self) -> str:
        """The method, or both."""
        return self.method_a if self.method_a == self.method_b else f"{self.method_a} → {self.method_b}"

    @property
    def where(self) -> str:
        """Dataset, regime, protocol and seeds."""
        seeds = "seeds" if len(self.seeds) > 1 else "seed"
        return f"{self.dataset} · {self.regime} · {self.protocol} · {seeds} {self.seeds_text}"

    @property
    def seeds_text(self) -> str:
        """`0`, or `0,1,2`."""
        return ",".join(map(str, self.seeds))

    @property
    def gains(self) -> Floats:
        """How much better B is on each item, (n,): positive is better whatever the metric."""
        return self.change if self.higher else -self.change

    def moved_most(self, most: int = MOST_MOVED) -> list[tuple[str, float]]:
        """The items that changed most, with b − a; none that did not change."""
        # Items are in the order of their names, which a stable sort keeps among equals.
        order = np.argsort(-np.abs(self.change), kind="stable")[:most]
        return [(self.items[i], float(self.change[i])) for i in order if self.change[i] != 0]

    @property
    def size(self) -> float:
        """How large the change is, NaN where it is exact on one side alone."""
        return abs(self.difference)

    @property
    def moved(self) -> bool:
        """Whether the change is told apart from 0, or is larger than a check lets pass; without test and limit, any."""
        return bool(have_moved(*(np.array([value]) for value in (
            self.difference, self.interval is not None, self.p, math.nan if self.limit is None else self.limit
        )))[0])  # fmt: skip


def have_moved(differences: Floats, tested: npt.NDArray[np.bool_], p: Floats, limits: Floats) -> npt.NDArray[np.bool_]:
    """Which changes are told apart from 0 by their test, or are larger than a check lets pass, NaN where it says
    nothing; without test and limit, any. What is exact on one side alone has moved."""
    least = np.where(np.isnan(limits), np.where(tested, np.inf, 0.0), limits)
    moved: npt.NDArray[np.bool_] = np.isnan(differences) | (tested & (p <= ALPHA)) | (np.abs(differences) > least)
    return moved


@dataclass(frozen=True)
class DifferenceColumns(Columns):
    """What differences are counted and chosen by, (N,) each.

    `moved` is as `have_moved` has it, `changed` whether any item did, `finite` whether all scores are; `even` says
    which have a p of McNemar's test, `noted` which have a note. `means` (N, 2) are those of A and of B, `apart` says
    which have an interval without 0.
    """

    track: npt.NDArray[np.object_]
    metric: npt.NDArray[np.object_]
    decimals: npt.NDArray[np.intp]
    means: Floats
    difference: Floats
    apart: npt.NDArray[np.bool_]
    moved: npt.NDArray[np.bool_]
    changed: npt.NDArray[np.bool_]
    finite: npt.NDArray[np.bool_]
    seeds: Places
    trained: npt.NDArray[np.bool_]
    even: npt.NDArray[np.bool_]
    noted: npt.NDArray[np.bool_]


class FileRow(NamedTuple):
    """A difference as files have it, but for the items that moved most: `low` and `high` are the ends of its interval.

    What there is not is None; `p` is None of a difference that is no number.
    """

    method_a: str
    method_b: str
    dataset: str
    regime: str
    protocol: str
    seeds: tuple[int, ...]
    metric: str
    unit: str
    higher: bool
    items: int
    mean_a: float
    mean_b: float
    difference: float
    low: float | None
    high: float | None
    p: float | None
    better: int
    same: int
    worse: int
    mcnemar: float | None
    note: str


Moved = Sequence[tuple[str, float]]
"""The items of a difference that moved most, with their changes."""


def file_row(d: ScoreDifference) -> FileRow:
    """The row of a difference."""
    low, high = d.interval or (None, None)
    (mean_a, mean_b), (better, same, worse), p = d.means, d.counts, d.p if math.isfinite(d.difference) else None
    return FileRow(
        d.method_a, d.method_b, d.dataset, d.regime, d.protocol, d.seeds, d.metric, d.unit, d.higher, len(d.items),
        mean_a, mean_b, d.difference, low, high, p, better, same, worse, d.mcnemar, d.note,
    )  # fmt: skip


@dataclass(frozen=True)
class InFiles:
    """What files say of all differences, in their order and faster than one by one; each call begins anew."""

    rows: Callable[[], Iterator[FileRow]]
    moved: Callable[[], Iterator[Moved]]


class Differences(OnDemand[ScoreDifference, DifferenceColumns]):
    """Differences in their order, and `in_files` of all of them."""

    def __init__(
        self, columns: DifferenceColumns, make: Callable[[int], ScoreDifference], places: Places,
        in_files: InFiles | None = None,
    ) -> None:  # fmt: skip
        super().__init__(columns, make, places)
        self.in_files = in_files or InFiles(lambda: map(file_row, self), lambda: (d.moved_most() for d in self))

    @classmethod
    def of(cls, differences: Iterable[ScoreDifference]) -> Differences:
        """Differences that are there."""
        objects = [*differences]
        return cls(columns_of(objects), objects.__getitem__, np.arange(len(objects)))


def columns_of(differences: Sequence[ScoreDifference]) -> DifferenceColumns:
    """The columns of differences that are there."""
    track, metric = np.empty((2, len(differences)), np.object_)
    track[:], metric[:] = [d.track for d in differences], [d.metric for d in differences]

    def truths(of: Callable[[ScoreDifference], object]) -> npt.NDArray[np.bool_]:
        return np.array([bool(of(d)) for d in differences], np.bool_)

    return DifferenceColumns(
        track,
        metric,
        np.array([d.decimals for d in differences], np.intp),
        np.array([d.means for d in differences], np.float64).reshape(-1, 2),
        np.array([d.difference for d in differences], np.float64),
        truths(lambda d: d.interval is not None and math.prod(d.interval) > 0),
        truths(lambda d: d.moved),
        truths(lambda d: d.change.any()),
        truths(lambda d: np.isfinite([d.a, d.b]).all()),
        np.array([len(d.seeds) for d in differences], np.intp),
        truths(lambda d: d.trained),
        truths(lambda d: d.mcnemar is not None),
        truths(lambda d: d.note),
    )


def reading_text(differences: Differences) -> str:
    """How the rows are read."""
    columns = differences.columns
    parts = (
        (READING, True),
        (READING_TRAININGS, (columns.seeds > 1).any()),
        (READING_WEIGHTS, (columns.trained & (columns.seeds == 1)).any()),
        (READING_MCNEMAR, columns.even.any()),
    )
    return " ".join(text for text, needed in parts if needed)


class PairNumbers(NamedTuple):
    """The fields of a difference that need its own scores alone; `tested`: the changes that its mean is of."""

    change: Floats
    means: tuple[float, float]
    counts: tuple[int, int, int]
    mcnemar: float | None
    difference: float
    tested: Floats


Test = tuple[tuple[float, float] | None, float]
"""The interval of a difference, and its p."""


class Testable(NamedTuple):
    """The changes of some differences that have equally many (P, n), and the places of these differences."""

    places: Places
    changes: Floats


def tests_of(tables: Sequence[Testable], count: int, trained: Mapping[int, Matched]) -> tuple[Floats, Floats]:
    """Intervals (N, 2), NaN for none, and p values (N,) of `count` differences, which are one family.

    Those with equally many items share the resamples. `trained` are those over several trainings, by their places.
    """
    intervals, ps = np.full((count, 2), np.nan), np.ones(count)
    sizes: dict[int, list[Testable]] = defaultdict(list)
    for table in tables:
        sizes[table.changes.shape[1]].append(table)
    whole = [_in_order(of_size) for _, of_size in sorted(sizes.items())]
    judged = mean_differences([table.changes for table in whole], "compare")
    for table, judgement in zip(whole, judged, strict=True):
        intervals[table.places], ps[table.places] = judgement.interval, judgement.p
        for row in np.flatnonzero(np.isin(table.places, [*trained])).tolist() if trained else ():
            place = int(table.places[row])
            crossed = over_trainings(judgement.row(row), trained[place], len(trained))
            intervals[place], ps[place] = crossed.interval[0], crossed.p[0]
    intervals[np.isnan(intervals[:, 0])] = np.nan
    return intervals, ps


def _in_order(tables: Sequence[Testable]) -> Testable:
    """Tables of equally many changes as one, in the order of the places."""
    if len(tables) == 1 and (np.diff(tables[0].places) > 0).all():
        return tables[0]
    places = np.concatenate([table.places for table in tables])
    order = np.argsort(places, kind="stable")
    return Testable(places[order], np.concatenate([table.changes for table in tables])[order])


def numbers_of_all(matched: Sequence[Matched]) -> list[PairNumbers]:
    """What each says by itself; those with equally many items are computed some at a time, as rows of one table."""
    kinds = {n: (len(one.items), one.a.cell.metrics[one.metric].higher) for n, one in enumerate(matched)}
    by_place: dict[int, PairNumbers] = {}
    for group, a, b, higher in score_tables(kinds, lambda place: matched[place].scores):
        by_place.update(zip(group, _numbers_of(a, b, higher), strict=True))
    return [by_place[place] for place in range(len(matched))]


class ChangeColumns(NamedTuple):
    """What (P, n) scores of A and of B say in each row: changes (P, n), means of A, of B and of the changes, how many
    items are better, the same, worse, and McNemar's p, NaN where not all are 0 or 1; (P,) each."""

    change: Floats
    mean_a: Floats
    mean_b: Floats
    difference: Floats
    better: Places
    same: Places
    worse: Places
    mcnemar: Floats


def changes_of(a: Floats, b: Floats, higher: bool) -> ChangeColumns:
    """The columns of some rows of scores."""
    change = paired_difference(b, a)
    gains = change if higher else -change
    better, same, worse = (np.count_nonzero(mask, axis=1) for mask in (gains > 0, gains == 0, gains < 0))
    binary = _all_of(((a == 0) | (a == 1)) & ((b == 0) | (b == 1))) & (a.shape[1] > 0)
    even = np.where(binary, mcnemar(better, worse), np.nan) if binary.any() else np.full(len(a), np.nan)
    with np.errstate(invalid="ignore"):
        mean_a, mean_b, difference = (of.mean(axis=1) for of in (a, b, change))
    return ChangeColumns(change, mean_a, mean_b, difference, better, same, worse, even)


def _numbers_of(a: Floats, b: Floats, higher: bool) -> Iterator[PairNumbers]:
    """Of the scores of A and of B, (P, n) each, those of each row."""
    columns = changes_of(a, b, higher)
    change, *rest = columns
    finite = _all_of(np.isfinite(a) & np.isfinite(b)).tolist()
    for row, (mean_a, mean_b, difference, better, same, worse, even) in enumerate(
        zip(*(column.tolist() for column in rest), strict=True)
    ):
        tested = change[row]
        if not finite[row]:
            kept = compared(np.stack([a[row], b[row]]), higher)
            tested = change[row][kept]
            mean_a, mean_b, difference = (_mean(of[row][kept]) for of in (a, b, change))
        p = None if math.isnan(even) else even
        yield PairNumbers(change[row], (mean_a, mean_b), (better, same, worse), p, difference, tested)


def difference_of(pair: Matched, numbers: PairNumbers, test: Test) -> ScoreDifference:
    """The difference of a pair, of its numbers and its test."""
    cell, part = pair.a.cell, pair.a.cell.metrics[pair.metric]
    return ScoreDifference(
        cell.track, *pair.labels, cell.dataset.display, cell.regime.display, protocol_text(cell),
        pair.seeds, pair.metric, part.unit, part.higher, goal_of(cell.track, pair.metric, part),
        decimals_of(pair.metric, part), pair.items,
        *pair.scores, pair.note, cell.key, pair.b.cell.key, gate_of(pair.metric, part).get("max_drop"),
        pair.trained, numbers.change, numbers.means, numbers.counts, numbers.mcnemar, numbers.difference, *test,
    )  # fmt: skip


def _all_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which rows of (P, n) hold in each place, (P,)."""
    rows: npt.NDArray[np.bool_] = np.logical_and.reduce(mask, axis=1)
    return rows


def _mean(values: Floats) -> float:
    with np.errstate(invalid="ignore"):
        return float(values.mean()) if values.size else math.nan
