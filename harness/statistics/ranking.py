"""Rank ranges of many methods: all pairs tested, corrected by Holm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .paired_tests import Floats, paired_difference, row_slices, signed_rank

ALPHA = 0.05
MIN_ITEMS = 6
"""With fewer items the two-sided signed-rank test cannot reach 5 %: 2/2⁵ = 0.0625."""


def holm(p: Floats) -> Floats:
    """Holm's step-down adjusted p values of one family, in the order given."""
    count = len(p)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (count - np.arange(count)))
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(1.0, stepped)
    return adjusted


@dataclass(frozen=True)
class Ranking:
    """Rank range (low, high) of each method, and whether any pair could have been told apart at all."""

    ranges: list[tuple[int, int]]
    pairs: int
    significant: int
    smallest_p: float


def rank_ranges(scores: Floats) -> Ranking:
    """Rank ranges of methods by their paired `scores` (M, n), higher is better, no NaN.

    Low = 1 + number significantly better, high = M − number significantly worse: all pairs, signed-rank,
    Holm-corrected at 5 %. `smallest_p` is the smallest corrected p that n items and these pairs can reach.
    """
    m, n = scores.shape
    first, second = np.triu_indices(m, 1)
    pairs = len(first)
    smallest = min(1.0, 2.0 ** (1 - n) * max(1, pairs))
    better = np.zeros(m, dtype=np.int64)
    worse = np.zeros(m, dtype=np.int64)
    if pairs and n:
        p, direction = np.empty(pairs), np.empty(pairs, dtype=np.int8)
        for part in row_slices(pairs):
            p[part], direction[part] = signed_rank(paired_difference(scores[first[part]], scores[second[part]]))
        told = (holm(p) <= ALPHA) & (direction != 0) & (n >= MIN_ITEMS)
        wins = told & (direction > 0)
        loses = told & (direction < 0)
        np.add.at(worse, first[wins], 1)
        np.add.at(better, second[wins], 1)
        np.add.at(better, first[loses], 1)
        np.add.at(worse, second[loses], 1)
    ranges = [(1 + int(b), m - int(w)) for b, w in zip(better, worse, strict=True)]
    return Ranking(ranges, pairs, int(worse.sum()), smallest)
