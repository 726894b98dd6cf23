"""Differences of methods whose scores vary over items and over trainings, both taken as drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .paired_tests import ALPHA, Floats, MeanDifferences

Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
CALM = 3.0
"""A method whose variance over seeds is more than so many times the usual one of its board is judged by its own."""
FEW_SEEDS, FEW_METHODS = 3, 3
"""With fewer seeds or methods there is no usual variance."""
PRIORS = 2.0 ** np.arange(7)
"""Degrees of freedom that the variances of a board may be worth to each of its methods, all as likely."""
LEAST = 0.05
"""Smaller variances count as so much of the scale: one method that hardly varies says nothing of the others."""
BY_SEED, RESTLESS = 0.2, 0.2
"""Of the 5 % the share of the test by seed, from `FEW_SEEDS` on; of the rest that of the pairs with
methods that are judged by their own."""


@dataclass(frozen=True)
class TrainingScores:
    """Scores (M, S, n) of M methods with S seeds; `anew` (M,) are the methods that were trained for each seed.

    `shared` (M, M) are the pairs of methods that use the same trainings, such as two samplers of one network.
    """

    scores: Floats
    anew: Flags
    shared: Flags


class _Variances(NamedTuple):
    """Of each pair (P,) the variance of its mean by trainings, the rest that is in it, and the degrees of freedom.

    `alpha` is how often the pairs may be wrong: all together, and each of those for which `alone` holds.
    """

    trained: Floats
    rest: Floats
    degrees: Floats
    alpha: Floats
    alone: Flags


def with_trainings(
    by_items: MeanDifferences, first: Places, second: Places, trainings: TrainingScores, others: int = 0
) -> MeanDifferences:
    """Differences of pairs of methods, `second` to `first`, that were judged over items: over items and trainings.

    A difference with one seed and item has a part of either training, one of the item and a rest. The variance of the
    mean is made of their mean squares (two-way layout, by moments), and never below that of trainings or of items
    alone. A mean has to exceed the bound of items and that of Student's t over trainings, whose squares are weighted by
    the variances (Zou & Donner 2008). The variance of trainings is taken in two ways that share the 5 %, and the
    narrower interval counts. Student's t is by Holm's steps over all pairs; intervals are those of the last step,
    and p is the larger of both tests where that agrees with them. `others` counts the pairs of the family that are not
    among these.
    """
    from scipy.special import stdtr, stdtrit

    items, mean, ends = by_items.error**2, by_items.mean[:, None], by_items.interval
    varies = trainings.anew[first] | trainings.anew[second]
    apart = by_items.significant & ~varies
    with np.errstate(invalid="ignore", divide="ignore"):
        bounds_of_items = np.where(items[:, None] > 0, np.abs(ends - mean) / by_items.error[:, None], ends - mean)
    parts = _variances_of_trainings(first, second, trainings)
    while True:
        widths, p = np.full(ends.shape, np.inf), np.ones(len(apart))
        for of in parts:
            level = of.alpha / np.where(of.alone, 1, others + max(1, len(apart) - int(apart.sum())))
            error = np.sqrt(np.maximum(of.trained + items - of.rest, np.maximum(of.trained, items)))
            with np.errstate(invalid="ignore", divide="ignore"):
                share = np.where(of.trained + items == 0, 0.0, of.trained / (of.trained + items))
                p = np.fmin(p, ALPHA / level * 2 * stdtr(of.degrees, -np.abs(by_items.mean) / error))
            student = share * stdtrit(of.degrees, 1 - level / 2) ** 2
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


def crossed_parts(scores: Floats) -> tuple[Floats, Floats]:
    """What a seed does to the mean of all items (…, seeds), and the rest that is neither of a seed nor of an item.

    Seeds and items are crossed: `scores` (…, seeds, items) are a two-way layout without replication.
    """
    by_seed = scores.mean(axis=-1) - scores.mean(axis=(-2, -1))[..., None]
    return by_seed, scores - scores.mean(axis=-2, keepdims=True) - by_seed[..., None]


def _variances_of_trainings(first: Places, second: Places, trainings: TrainingScores) -> list[_Variances]:
    """As that of pairs by seed; and as that of two samples (Welch 1947), which there is not where trainings are shared.

    The latter is moderated where there are enough seeds and methods. All pairs of a restless method rest on one
    variance, and count as one.
    """
    scores, (m, seeds, n) = trainings.scores, trainings.scores.shape
    by_seed, residuals = crossed_parts(scores)
    residuals = residuals.reshape(m, -1)
    products = (
        by_seed @ by_seed.T / (seeds * (seeds - 1)),
        residuals @ residuals.T / (seeds * (seeds - 1) * n * max(1, n - 1)),
    )
    variance, rest = (of[first, first] + of[second, second] - 2 * of[first, second] for of in products)
    shared = trainings.shared[first, second]
    alpha = ALPHA * np.where(shared, 1.0, BY_SEED if seeds >= FEW_SEEDS else 0.5)
    free = np.full(m, seeds - 1.0)
    by_pair = _Variances(
        np.maximum(variance, 0.0), np.maximum(rest, 0.0), free[first], alpha, np.zeros(len(first), dtype=np.bool_)
    )
    trained, rest = (np.where(trainings.anew, np.diag(of), 0.0) for of in products)
    restless, common, most = np.zeros(m, dtype=np.bool_), 0.0, np.inf
    counted = trainings.anew & ~np.triu(trainings.shared, 1).any(axis=0)
    if seeds >= FEW_SEEDS and counted.sum() >= FEW_METHODS:
        variances_of_own, common = _own_and_common(by_seed, counted, trainings.shared)
        trained, free, restless = _moderated(np.where(trainings.anew, variances_of_own, 0.0), free[0], counted)
        # The median of the others varies too, by as much as their mean at least.
        trained = np.where(restless, trained, trained * (1 - 1 / counted.sum()))
        most = (seeds - 1.0) * max(1, int((counted & ~restless).sum()))
    one, other, both = (
        trained[first],
        trained[second],
        np.where(trainings.anew[first] & trainings.anew[second], 0, common),
    )
    variance, squares = (
        one + other + both,
        one**2 / free[first] + other**2 / free[second] + both**2 / (seeds - 1),
    )
    degrees = np.minimum(np.divide(variance**2, squares, out=np.ones_like(variance), where=squares > 0), most)
    alone = restless[first] | restless[second]
    calm = 1 - RESTLESS if restless.any() else 1.0
    remaining_alpha = (ALPHA - alpha) * np.where(alone, RESTLESS / max(1, int(restless.sum())), calm)
    variance = np.where(shared, np.nan, variance)
    return [by_pair, _Variances(variance, rest[first] + rest[second], degrees, remaining_alpha, alone)]


def _own_and_common(by_seed: Floats, counted: Flags, shared: Flags) -> tuple[Floats, float]:
    """From deviations (M, S) the variance of each mean by its own trainings, (M,), and by what a seed does to all.

    What it does to all is the median of the others, which cancels in the difference of two methods that are trained.
    """
    methods, seeds = by_seed.shape
    variances = np.empty(methods)
    for place, deviations in enumerate(by_seed):
        others = counted & ~shared[place]
        others[place] = False
        rest = deviations - np.median(by_seed[others], axis=0)
        variances[place] = rest.var(ddof=1) / seeds
    many = int(counted.sum())
    common = (
        np.median(by_seed[counted], axis=0).var(ddof=1) / seeds - np.median(variances[counted]) * (many - 1) / many**2
    )
    return variances, max(0.0, float(common))


def _moderated(variances: Floats, free: float, counted: Flags) -> tuple[Floats, Floats, Flags]:
    """The variances of methods with their degrees of freedom, and which are restless: judged by their own alone.

    Those of the others are each weighted with what they have in common (Smyth 2004): a scaled inverse chi-square
    distribution as their prior. Its scale is their mean, made as large as if none were left out; its degrees of freedom
    are the harmonic mean of `PRIORS` by their likelihood.
    """
    from scipy.special import betaln, chdtr, chdtri

    degrees = np.full(len(variances), free)
    usual = float(np.median(variances[counted])) * free / float(chdtri(free, 0.5))
    if not usual > 0:
        return variances, degrees, np.zeros(len(variances), dtype=np.bool_)
    calm = variances <= CALM * usual
    known = variances[calm & counted]
    scale = known.mean() / (chdtr(free + 2, CALM * free) / chdtr(free, CALM * free))
    # A few that are restless say little of the others, many say that these may not be alike either.
    seen = np.minimum(variances[counted], 2 * CALM * usual)
    ratios = np.maximum(seen / scale, LEAST)[:, None] * free / PRIORS
    likelihood = (
        free / 2 * np.log(ratios) - (free + PRIORS) / 2 * np.log1p(ratios) - betaln(free / 2, PRIORS / 2)
    ).sum(axis=0)
    weights = np.exp(likelihood - likelihood.max())
    prior = weights.sum() / (weights / PRIORS).sum()
    together = min(prior + free, max(free, free * len(known)))
    moderated = (prior * scale + free * variances) / (prior + free)
    return np.where(calm, moderated, variances), np.where(calm, together, degrees), ~calm
