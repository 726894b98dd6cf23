"""Differences of methods whose scores vary over items and over trainings, both taken as drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .paired_tests import ALPHA, Floats, MeanDifferences

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
ALIKE = 4.0
"""A method whose variance over seeds is more than so many times the usual one of its board is judged by its own."""
FEW_SEEDS, FEW_METHODS = 3, 3
"""With fewer seeds or methods there is no usual variance."""
EFFICIENCY = 0.6
"""Of a median of variances, beside their mean."""


@dataclass(frozen=True)
class Trainings:
    """Scores (M, S, n) of M methods with S seeds; `anew` (M,) are the methods that were trained for each seed.

    `shared` (M, M) are the pairs of methods that use the same trainings, such as two samplers of one network.
    """

    scores: Floats
    anew: Flags
    shared: Flags


def with_trainings(by_items: MeanDifferences, first: Places, second: Places, trainings: Trainings) -> MeanDifferences:
    """Differences of pairs of methods, `second` to `first`, that were judged over items: over items and trainings.

    A difference with one seed and item has a part of either training, one of the item and a rest. The variance of the
    mean is made of their mean squares (two-way layout, by moments), and never below that of trainings or of items
    alone. A mean has to exceed the bound of items and that of Student's t over trainings, whose squares are weighted by
    the variances (Zou & Donner 2008). The variance of trainings is taken in up to three ways, and each has its share of
    the 5 %; the narrowest interval counts. Student's t is by Holm's steps over all pairs; intervals are those of the
    last step, and p is the larger of both tests where that agrees with them.
    """
    from scipy.special import stdtr, stdtrit

    items, mean, ends = by_items.error**2, by_items.mean[:, None], by_items.interval
    varies = trainings.anew[first] | trainings.anew[second]
    apart = by_items.significant & ~varies
    with np.errstate(invalid="ignore", divide="ignore"):
        bounds_of_items = np.where(items[:, None] > 0, np.abs(ends - mean) / by_items.error[:, None], ends - mean)
    parts = _variances_of_trainings(first, second, trainings)
    while True:
        level = ALPHA / len(parts) / max(1, len(apart) - int(apart.sum()))
        widths, p = np.full(ends.shape, np.inf), np.ones(len(apart))
        for trained, rest, degrees in parts:
            error = np.sqrt(np.maximum(trained + items - rest, np.maximum(trained, items)))
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(trained + items == 0, 0.0, trained / (trained + items))
                p = np.fmin(p, ALPHA / level * 2 * stdtr(degrees, -np.abs(by_items.mean) / error))
            student = share * stdtrit(degrees, 1 - level / 2) ** 2
            squares = student[:, None] + (1 - share[:, None]) * bounds_of_items**2
            widths = np.fmin(widths, error[:, None] * np.sqrt(squares))
        widths[np.isinf(widths)] = np.nan
        interval = np.where(varies[:, None], mean + widths * (-1, 1), ends)
        steps = np.where(varies, (interval[:, 0] > 0) | (interval[:, 1] < 0), apart)
        if (steps == apart).all():
            break
        apart = steps
    p = np.maximum(p, by_items.p)
    p = np.where(apart, np.minimum(p, ALPHA), np.maximum(p, np.nextafter(ALPHA, 1)))
    return MeanDifferences(by_items.mean, by_items.error, interval, np.where(varies, p, by_items.p))


def _variances_of_trainings(first: Places, second: Places, trainings: Trainings) -> list[tuple[Floats, Floats, Floats]]:
    """Of each pair the variance of its mean by trainings, the rest that is in it, and its degrees of freedom.

    As that of pairs by seed; as that of two samples (Welch 1947), NaN where trainings are shared; and the latter where
    each method has at least the usual variance of its board, the median, and its degrees of freedom.
    """
    from scipy.special import chdtri

    scores, (m, seeds, n) = trainings.scores, trainings.scores.shape
    by_seed = scores.mean(axis=2) - scores.mean(axis=(1, 2))[:, None]
    residuals = (scores - scores.mean(axis=1, keepdims=True) - by_seed[..., None]).reshape(m, -1)
    products = (
        by_seed @ by_seed.T / (seeds * (seeds - 1)),
        residuals @ residuals.T / (seeds * (seeds - 1) * n * max(1, n - 1)),
    )
    variance, rest = (of[first, first] + of[second, second] - 2 * of[first, second] for of in products)
    free = np.full(m, seeds - 1.0)
    parts = [(np.maximum(variance, 0.0), np.maximum(rest, 0.0), free[first])]
    trained, rest = (np.where(trainings.anew, np.diag(of), 0.0) for of in products)
    samples = [(trained, free)]
    counted = trainings.anew & ~np.triu(trainings.shared, 1).any(axis=0)
    if seeds >= FEW_SEEDS and counted.sum() >= FEW_METHODS:
        usual = float(np.median(trained[counted])) * free[0] / float(chdtri(free[0], 0.5))
        alike = trainings.anew & (trained <= ALIKE * usual)
        together = EFFICIENCY * free * max(1, (alike & counted).sum())
        samples.append((np.where(alike, np.maximum(trained, usual), trained), np.where(alike, together, free)))
    for by_method, degrees in samples:
        variance, squares = (
            by_method[first] + by_method[second],
            by_method[first] ** 2 / degrees[first] + by_method[second] ** 2 / degrees[second],
        )
        of_pair = np.divide(variance**2, squares, out=np.ones_like(variance), where=squares > 0)
        shared = trainings.shared[first, second]
        parts.append((np.where(shared, np.nan, variance), rest[first] + rest[second], of_pair))
    return parts
