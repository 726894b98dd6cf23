"""Friedman's test of many methods on common items, and Nemenyi's critical difference between mean ranks."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from .paired_tests import ALPHA, MIN_ITEMS, Floats
from .ranking import Pairs


@dataclass(frozen=True)
class Friedman:
    """Mean ranks (1 is best) in the order of the methods given, and what follows from them.

    `chi2` has `len(mean_ranks) − 1` degrees of freedom and is corrected for ties; `f` is Iman & Davenport's less
    conservative form, None (and its p) where all items order the methods alike and it has no value. Two methods
    differ where their mean ranks differ by `critical_difference` or more (Nemenyi, 5 %).
    """

    mean_ranks: tuple[float, ...]
    blocks: int
    chi2: float
    p: float
    f: float | None
    f_p: float | None
    critical_difference: float
    order: tuple[int, ...]

    @property
    def apart(self) -> Pairs:
        """Which pairs Nemenyi's test tells apart."""
        ranks = np.array(self.mean_ranks)
        apart: Pairs = np.abs(ranks[:, None] - ranks[None]) >= self.critical_difference
        return apart


def friedman(scores: Floats) -> Friedman | None:
    """Friedman (1937) on paired `scores` (M, n), higher is better, no NaN; None below 2 methods or 6 items.

    Statistic, Iman–Davenport correction and critical difference as in Demšar, JMLR 7 (2006).
    """
    m, n = scores.shape
    if m < 2 or n < MIN_ITEMS:
        return None
    from scipy.special import chdtrc, fdtrc

    ranks = _ranks(-scores)
    means = ranks.mean(axis=1)
    # With ties the ranks of an item spread less than 1 … M do: their own variance takes its place.
    spread = float(((ranks - (m + 1) / 2) ** 2).sum())
    chi2 = n * n * float(((means - (m + 1) / 2) ** 2).sum()) * (m - 1) / spread if spread > 0 else 0.0
    p = float(chdtrc(m - 1, chi2))
    rest = n * (m - 1) - chi2
    f = (n - 1) * chi2 / rest if rest > 1e-9 * n else None
    f_p = None if f is None else float(fdtrc(m - 1, (m - 1) * (n - 1), f))
    critical = critical_difference(m, n)
    order = tuple(sorted(range(m), key=lambda i: (means[i], i)))
    return Friedman(tuple(float(r) for r in means), n, chi2, p, f, f_p, critical, order)


def critical_difference(methods: int, blocks: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference of mean ranks: q·√(k(k+1)/6N)."""
    return _studentized(methods, alpha) * math.sqrt(methods * (methods + 1) / (6.0 * blocks))


def _ranks(values: Floats) -> Floats:
    """Ranks in each column of (M, n), 1 the lowest; equal values share their mean rank."""
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    place, other = np.indices(values.shape)[0], ordered[1:] != ordered[:-1]
    first, last = place.copy(), place.copy()
    first[1:][~other], last[:-1][~other] = 0, len(values)
    first = np.maximum.accumulate(first, axis=0)
    last = np.minimum.accumulate(last[::-1], axis=0)[::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, 1 + (first + last) / 2, axis=0)
    return ranks


@functools.cache
def _studentized(methods: int, alpha: float) -> float:
    """The quantile of the range of so many standard normal numbers, over √2: to 1e-14.

    `scipy.stats` has it too, and takes a second to import.
    """
    from scipy.special import ndtr

    nodes, weights = np.polynomial.legendre.leggauss(64)
    half, panels = 8.5 / 8, np.arange(-7, 8, 2)
    highest = ((panels[:, None] + nodes) * half).ravel()
    share = np.tile(weights * half, len(panels)) * methods * np.exp(-(highest**2) / 2) / math.sqrt(2 * math.pi)
    low, high = 0.0, 64.0
    while low < (middle := (low + high) / 2) < high:
        # The chance that all others lie within `middle` below the highest one.
        chance = float(share @ (ndtr(highest) - ndtr(highest - middle)) ** (methods - 1))
        low, high = (middle, high) if chance < 1 - alpha else (low, middle)
    return low / math.sqrt(2.0)
