"""Which of very many differences are significant: float32 for all of them, float64 for those that decide.

One bound holds for a whole family, and few differences are near it. float32 is certain of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .paired_tests import (
    MANY,
    DifferenceRows,
    Flags,
    Floats,
    MeanDifferences,
    bound_of,
    judge,
    mean_differences,
    no_largest,
    shares_of_items,
    tail_places,
    tails_of,
)

ITEMS = 8, 512
"""With fewer items many resamples have hardly any spread; with more float32 gains nothing."""
NEAR = 0.01
"""A difference counts as screened where rounding changes its statistics by less than this share."""
READ_AT_ONCE, ROWS_AT_ONCE = 2048, 128
_Rough = npt.NDArray[np.float32]


class _Screen(NamedTuple):
    """Statistics of P differences in float32, right within `NEAR` where `sound` (P,).

    `exceeds` (P,) is the studentised mean in units of its tail, `peaks` (P,) the largest of its resamples; `bound` is
    that of the sound differences.
    """

    sound: Flags
    exceeds: Floats
    peaks: Floats
    bound: float


def significant_differences(differences: DifferenceRows, identity: str, shown: int) -> tuple[Flags, MeanDifferences]:
    """Which of the `differences` (P, n) are significant, (P,), and the first `shown` of them.

    All is as `mean_differences` has it but for the last bits, and for p above 5 %, which is too small here.
    """
    rows, n = differences.shape
    exact, largest = np.ones(rows, dtype=np.bool_), no_largest(rows)
    if rows > MANY and ITEMS[0] <= n <= ITEMS[1]:
        screen = _screened(differences, shares_of_items(identity, n, len(largest)))
        exact = ~screen.sound | (screen.peaks >= (1 - 2 * NEAR) * screen.bound)
        exact[:shown] = True
    if exact.sum() >= rows / 4:
        (whole,) = mean_differences([differences], identity)
        return whole.significant, whole.first(shown)
    # The other rows would raise the largest means, but none above the bound.
    tails = np.empty((rows, 2))
    tails[exact] = tails_of(differences[exact], identity, largest, rows)
    bound = bound_of(largest)
    near = ~exact & (np.abs(screen.exceeds - bound) <= 2 * NEAR * bound)
    tails[near] = tails_of(differences[near], identity, largest, rows)
    exact |= near
    judged = judge(differences[exact], tails[exact], largest)
    significant = screen.exceeds > bound
    significant[exact] = judged.significant
    return significant, judged.first(shown)


def _screened(differences: DifferenceRows, shares: Floats) -> _Screen:
    """The screen of differences (P, n) from the `shares` (n, R) of items in resamples.

    A sum of n products is off by γ = (n + 4)·u at most as a share, u being the unit roundoff. The spread is the
    difference of two moments, so that a mean of x spreads is off by 3γ·(1 + x²)^1.5.
    """
    (rows, n), (low, high) = differences.shape, tail_places(shares.shape[1])
    means = _ResampledMeans(shares)
    mean, deviation, ends = np.empty(rows), np.empty(rows), np.empty((rows, 4))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for start in range(0, rows, READ_AT_ONCE):
            part = differences[start : start + READ_AT_ONCE]
            read = slice(start, start + len(part))
            mean[read], deviation[read] = part.mean(axis=1), part.std(axis=1)
            standardised = (part - mean[read, None]) / deviation[read, None]
            for first in range(0, len(part), ROWS_AT_ONCE):
                t = means.studentised(standardised[first : first + ROWS_AT_ONCE])
                # NaN is sorted to the end: no such row is sound.
                t.sort(axis=1)
                ends[start + first : start + first + len(t)] = t[:, [low, high, 0, -1]]
        lower, upper, least, most = (ends * (-1, 1, -1, 1)).T
        wide = 1 + ends**2
        error = 4 * (n + 4) * 2.0**-24 * wide * np.sqrt(wide) / np.abs(ends)
        sound = (lower > 0) & (upper > 0) & (error < NEAR / 2).all(axis=1) & (deviation > 1e-8 * np.abs(mean))
        exceeds = np.where(sound, np.abs(mean) / deviation / np.where(mean > 0, upper, lower), 0)
        peaks = np.where(sound, np.maximum(least / lower, most / upper), 0)
    return _Screen(sound, exceeds, peaks, _bound(differences, means, peaks, lower, upper))


def _bound(differences: DifferenceRows, means: _ResampledMeans, peaks: Floats, lower: Floats, upper: Floats) -> float:
    """The bound of a family whose rows have the `peaks` (P,), and the tails `lower` and `upper` (P,).

    The rows of the highest peaks decide: no other is above the bound in any resample.
    """
    largest, bound = np.zeros(means.resamples), 0.0
    falling = np.argsort(-peaks)
    for start in range(0, len(falling), ROWS_AT_ONCE):
        highest = falling[start : start + ROWS_AT_ONCE]
        highest = highest[peaks[highest] > bound]
        if not len(highest):
            break
        part = differences[highest]
        part -= part.mean(axis=1, keepdims=True)
        t = means.studentised(part / part.std(axis=1, keepdims=True))
        for scale in (-1 / lower[highest], 1 / upper[highest]):
            np.maximum(largest, (t * scale[:, None]).max(axis=0, initial=0.0), out=largest)
        bound = bound_of(largest)
    return bound


class _ResampledMeans:
    """Means of resampled rows in float32, in memory that is allocated once: anew it costs more than the products."""

    def __init__(self, shares: Floats) -> None:
        self._shares = shares.astype(np.float32)
        self.resamples = shares.shape[1]
        self._memory: Sequence[_Rough] = list(np.empty((3, ROWS_AT_ONCE, self.resamples), np.float32))

    def studentised(self, standardised: Floats) -> _Rough:
        """The mean of each resample in units of its spread, (rows, R), overwritten by the next call."""
        part = standardised.astype(np.float32)
        mean, spread, t = (memory[: len(part)] for memory in self._memory)
        np.matmul(part, self._shares, out=mean)
        np.matmul(np.square(part), self._shares, out=spread)
        spread -= np.square(mean, out=t)
        np.divide(mean, np.sqrt(spread, out=spread), out=t)
        return t
