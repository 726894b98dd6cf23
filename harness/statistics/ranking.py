"""Rank ranges of many methods: all pairs of means tested at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .crossed_ranking import TrainingScores, with_trainings
from .paired_tests import Flags, Floats, Places, mean_differences
from .screened_pairs import significant_differences

Pairs = Flags
"""(M, M), symmetric: a yes or no for each pair of methods."""


@dataclass(frozen=True)
class Ranking:
    """Rank range (low, high) of each method, and which pairs differ significantly: `apart`.

    `between[i, j]` (M, M, 3) is the mean difference of method i to method j and the two ends of its interval: NaN where
    there is none, such as to itself. The intervals of all pairs hold at once; one excludes 0 where its pair is
    `apart`, and only there.
    """

    ranges: list[tuple[int, int]]
    apart: Pairs
    between: Floats


class MethodPairs:
    """The differences of each pair of methods: 500 have 125,000 pairs, which are never held at once."""

    def __init__(self, scores: Floats) -> None:
        self._scores = scores
        self.first, self.second = np.triu_indices(len(scores), 1)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.first), self._scores.shape[1]

    def __getitem__(self, rows: slice | Flags | Places, /) -> Floats:
        differences: Floats = self._scores[self.second[rows]] - self._scores[self.first[rows]]
        return differences


def rank_ranges(
    scores: Floats, identity: str, trainings: TrainingScores | None = None, *, all_between: bool = True
) -> Ranking:
    """Rank ranges of methods by the means of their paired finite `scores` (M, n), higher is better.

    Low = 1 + number significantly better, high = M − number significantly worse: all pairs at once, 5 %. Where scores
    are means over seeds and methods were trained for each, `trainings` have both. `identity` keys the resamples.
    Without `all_between` only the differences to the first method are sure to be in `between`, which saves time.
    """
    m = len(scores)
    pairs = MethodPairs(scores)
    first, second = pairs.first, pairs.second
    if all_between or trainings is not None:
        (differences,) = mean_differences([pairs], identity)
        if trainings is not None:
            differences = with_trainings(differences, first, second, trainings)
        significant = differences.significant
    else:
        significant, differences = significant_differences(pairs, identity, m - 1)
    apart = np.zeros((m, m), dtype=np.bool_)
    apart[first, second] = apart[second, first] = significant
    between = np.full((m, m, 3), np.nan)
    first, second = first[: len(differences.mean)], second[: len(differences.mean)]
    between[second, first] = np.column_stack([differences.mean, differences.interval])
    between[first, second] = -between[second, first][:, [0, 2, 1]]
    return Ranking(ranges(scores.mean(axis=1), apart), apart, between)


def ranges(means: Floats, apart: Pairs) -> list[tuple[int, int]]:
    """The rank range of each method from its mean (M,), higher is better, and the pairs that differ significantly."""
    better = (apart & (means[None] > means[:, None])).sum(axis=1)
    worse = (apart & (means[None] < means[:, None])).sum(axis=1)
    return [(1 + int(b), len(means) - int(w)) for b, w in zip(better, worse, strict=True)]


def cliques(apart: Pairs) -> list[tuple[int, ...]]:
    """The largest sets of two or more methods of which no two differ significantly, in order (Bron & Kerbosch 1973)."""
    joined = [set(np.flatnonzero(~row)) - {i} for i, row in enumerate(apart)]
    largest: list[tuple[int, ...]] = []

    def extend(clique: list[int], candidates: set[int], done: set[int]) -> None:
        if not candidates and not done:
            if len(clique) > 1:
                largest.append(tuple(sorted(int(i) for i in clique)))
            return
        pivot = max(candidates | done, key=lambda i: (len(joined[i] & candidates), -i))
        for i in sorted(candidates - joined[pivot]):
            extend([*clique, i], candidates & joined[i], done & joined[i])
            candidates = candidates - {i}
            done = done | {i}

    extend([], set(range(len(apart))), set())
    return sorted(largest)
