"""Rank ranges of methods whose scores vary over items and over seeds, both taken as drawn at random."""

from __future__ import annotations

import functools
import math

import numpy as np

from .paired_tests import ALPHA, MIN_ITEMS, Floats, without_rounding
from .ranking import Ranking, ranges

MIN_SEEDS = 3
"""With fewer, the variance between trainings cannot be estimated."""


def crossed_ranges(scores: Floats) -> Ranking:
    """Rank ranges by the means of paired finite `scores` (M, S, n) of M methods, S seeds, n items; higher is better.

    The variance of a mean difference has a part of the seeds, one of the items and one of both together: a two-way
    analysis of variance without replication, with Satterthwaite's degrees of freedom, as in studies of several readers
    of the same cases (Dorfman, Berbaum & Metz 1992; Hillis 2007). It is that of the pair or that of all pairs together,
    whichever is larger, so that a method that varies more than others is not separated too easily. Intervals are
    those of Tukey's studentised range: they hold for all pairs at once, 95 %. With fewer than 3 seeds or 6 items there
    are none, and no two methods are `apart`.
    """
    m, seeds, n = scores.shape
    scores = without_rounding(scores.reshape(m, -1)).reshape(scores.shape)
    means = scores.mean(axis=(1, 2))
    between = np.full((m, m, 3), np.nan)
    between[:, :, 0] = means[:, None] - means[None]
    between[np.arange(m), np.arange(m)] = np.nan
    apart = np.zeros((m, m), dtype=np.bool_)
    if m > 1 and seeds >= MIN_SEEDS and n >= MIN_ITEMS:
        first, second = np.triu_indices(m, 1)
        squares = _mean_squares(scores[first] - scores[second])
        pooled = squares.mean(axis=0)
        wanted = np.sqrt(np.maximum(_variance(squares), _variance(pooled)) / (seeds * n))
        width = np.zeros((m, m))
        width[first, second] = width[second, first] = wanted * _factor(m, _degrees(pooled, m, seeds, n))
        between[:, :, 1] = between[:, :, 0] - width
        between[:, :, 2] = between[:, :, 0] + width
        apart = np.abs(np.nan_to_num(between[:, :, 0])) > width
    return Ranking(ranges(means, apart), apart, between)


def _mean_squares(differences: Floats) -> Floats:
    """Mean squares (P, 3) of seeds, of items and of the residuals, of P tables (P, S, n)."""
    _, seeds, n = differences.shape
    grand_mean = differences.mean(axis=(1, 2), keepdims=True)
    by_seed = differences.mean(axis=2, keepdims=True) - grand_mean
    by_item = differences.mean(axis=1, keepdims=True) - grand_mean
    residuals = differences - grand_mean - by_seed - by_item
    squares: Floats = np.stack(
        [
            n * (by_seed**2).sum(axis=(1, 2)) / (seeds - 1),
            seeds * (by_item**2).sum(axis=(1, 2)) / (n - 1),
            (residuals**2).sum(axis=(1, 2)) / ((seeds - 1) * (n - 1)),
        ],
        axis=1,
    )
    return squares


def _variance(squares: Floats) -> Floats:
    """The variance of a mean by the mean squares (…, 3); at least that of seeds alone and of items alone."""
    seeds, items, residual = np.moveaxis(squares, -1, 0)
    variance: Floats = np.maximum(seeds + items - residual, np.maximum(seeds, items))
    return variance


def _degrees(pooled: Floats, m: int, seeds: int, n: int) -> float:
    """Satterthwaite's degrees of freedom of the variance that is pooled over the pairs of `m` methods."""
    each = np.array([seeds - 1, n - 1, (seeds - 1) * (n - 1)]) * (m - 1)
    spread = float((pooled**2 / each).sum())
    return float(_variance(pooled)) ** 2 / spread if spread > 0 else math.inf


@functools.lru_cache(maxsize=256)
def _factor(m: int, degrees: float) -> float:
    """How many standard errors the largest of all differences of `m` equal means exceeds in 5 of 100 cases."""
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1.0 - ALPHA, m, degrees)) / math.sqrt(2.0)
