"""The differences of a comparison: what each pair of scores says by itself, and the tests of all of them at once."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..statistics.exact_scores import compared
from ..statistics.mcnemar import mcnemar
from ..statistics.paired_tests import ALPHA, MIN_ITEMS, Floats, mean_differences, paired_difference
from ..store.record import decimals_of, gate_of, goal_of
from .pairing import protocol_text
from .score_tables import score_tables
from .trainings import Matched, over_trainings

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

    def moved_most(self, most: int = 3) -> list[tuple[str, float]]:
        """The items that changed most, with b − a; none that did not change."""
        # Items are in the order of their names, which a stable sort keeps among equals.
        order = np.argsort(-np.abs(self.change), kind="stable")[:most]
        return [(self.items[i], float(self.change[i])) for i in order if self.change[i] != 0]


def reading_text(differences: Sequence[ScoreDifference]) -> str:
    """How the rows are read."""
    parts = (
        (READING, True),
        (READING_TRAININGS, any(len(d.seeds) > 1 for d in differences)),
        (READING_WEIGHTS, any(d.trained and len(d.seeds) == 1 for d in differences)),
        (READING_MCNEMAR, any(d.mcnemar is not None for d in differences)),
    )
    return " ".join(text for text, needed in parts if needed)


class _PairNumbers(NamedTuple):
    """The fields of a difference that need its own scores alone; `tested`: the changes that its mean is of."""

    change: Floats
    means: tuple[float, float]
    counts: tuple[int, int, int]
    mcnemar: float | None
    difference: float
    tested: Floats


def differences_of(matched: Sequence[Matched]) -> list[ScoreDifference]:
    """Means, intervals and p values: all rows are one family, and those with equally many items share the resamples."""
    numbers = _numbers(matched)
    sizes: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(numbers):
        if one.tested.size and np.isfinite(one.difference):
            sizes[len(one.tested)].append(place)
    groups = [group for _, group in sorted(sizes.items())]
    judged = mean_differences([np.stack([numbers[i].tested for i in group]) for group in groups], "compare")
    tests: list[tuple[tuple[float, float] | None, float]] = [(None, 1.0)] * len(matched)
    trainings = sum(one.by_seed is not None for one in matched)
    for group, judgement in zip(groups, judged, strict=True):
        intervals, ps = judgement.interval.tolist(), judgement.p.tolist()
        for place, (i, (low, high), p) in enumerate(zip(group, intervals, ps, strict=True)):
            if matched[i].by_seed is not None:
                crossed = over_trainings(judgement.row(place), matched[i], trainings)
                (low, high), p = crossed.interval[0].tolist(), float(crossed.p[0])
            tests[i] = None if math.isnan(low) else (low, high), p
    return [_difference(*of) for of in zip(matched, numbers, tests, strict=True)]


def _difference(
    pair: Matched, numbers: _PairNumbers, test: tuple[tuple[float, float] | None, float]
) -> ScoreDifference:
    cell, part = pair.a.cell, pair.a.cell.metrics[pair.metric]
    return ScoreDifference(
        cell.track, *pair.labels, cell.dataset.display, cell.regime.display, protocol_text(cell),
        pair.seeds, pair.metric, part.unit, part.higher, goal_of(cell.track, pair.metric, part),
        decimals_of(pair.metric, part), pair.items,
        *pair.scores, pair.note, cell.key, pair.b.cell.key, gate_of(pair.metric, part).get("max_drop"),
        pair.trained, numbers.change, numbers.means, numbers.counts, numbers.mcnemar, numbers.difference, *test,
    )  # fmt: skip


def _numbers(matched: Sequence[Matched]) -> list[_PairNumbers]:
    """What each says by itself; those with equally many items are computed some at a time, as rows of one table."""
    kinds = {n: (len(one.items), one.a.cell.metrics[one.metric].higher) for n, one in enumerate(matched)}
    by_place: dict[int, _PairNumbers] = {}
    for group, a, b, higher in score_tables(kinds, lambda place: matched[place].scores):
        by_place.update(zip(group, _numbers_of(a, b, higher), strict=True))
    return [by_place[place] for place in range(len(matched))]


def _numbers_of(a: Floats, b: Floats, higher: bool) -> Iterator[_PairNumbers]:
    """Of the scores of A and of B, (P, n) each, those of each row."""
    change = paired_difference(b, a)
    gains = change if higher else -change
    counts = [np.count_nonzero(mask, axis=1).tolist() for mask in (gains > 0, gains == 0, gains < 0)]
    binary = _all_of(((a == 0) | (a == 1)) & ((b == 0) | (b == 1))) & (a.shape[1] > 0)
    even = mcnemar(counts[0], counts[2]).tolist() if binary.any() else [None] * len(a)
    finite = _all_of(np.isfinite(a) & np.isfinite(b))
    with np.errstate(invalid="ignore"):
        middles = [of.mean(axis=1).tolist() for of in (a, b, change)]
    for row, tested in enumerate(change):
        mean_a, mean_b, difference = (of[row] for of in middles)
        if not finite[row]:
            kept = compared(np.stack([a[row], b[row]]), higher)
            tested = change[row][kept]
            mean_a, mean_b, difference = (_mean(of[row][kept]) for of in (a, b, change))
        p = even[row] if binary[row] else None
        better, same, worse = (of[row] for of in counts)
        yield _PairNumbers(change[row], (mean_a, mean_b), (better, same, worse), p, difference, tested)


def _all_of(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which rows of (P, n) hold in each place, (P,)."""
    rows: npt.NDArray[np.bool_] = np.logical_and.reduce(mask, axis=1)
    return rows


def _mean(values: Floats) -> float:
    with np.errstate(invalid="ignore"):
        return float(values.mean()) if values.size else math.nan
