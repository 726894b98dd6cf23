"""Which of very many differences are significant: float32 for all of them, float64 for those that decide.

One bound holds for a whole family, and few differences are near it. float32 is certain of the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
ROWS_AT_ONCE = 128


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
    (rows, n), resamples = differences.shape, shares.shape[1]
    low, high = tail_places(resamples)
    rough, largest = shares.astype(np.float32), np.zeros(resamples)
    sound, exceeds, peaks = np.zeros(rows, dtype=np.bool_), np.zeros(rows), np.zeros(rows)
    memory = np.empty((3, min(rows, ROWS_AT_ONCE), resamples), np.float32)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        for start in range(0, rows, ROWS_AT_ONCE):
            block = slice(start, start + ROWS_AT_ONCE)
            part = differences[block]
            t, spread, scratch = memory[:, : len(part)]
            mean, deviation = part.mean(axis=1), part.std(axis=1)
            part = ((part - mean[:, None]) / deviation[:, None]).astype(np.float32)
            np.matmul(part, rough, out=t)
            np.matmul(part**2, rough, out=spread)
            spread -= np.square(t, out=scratch)
            t /= np.sqrt(spread, out=spread)
            scratch[:] = t
            # NaN is sorted to the end: no such row is sound.
            scratch.sort(axis=1)
            ends = scratch[:, [low, 0, high, -1]].astype(np.float64) * (-1, -1, 1, 1)
            error = 4 * (n + 4) * 2.0**-24 * (1 + ends**2) ** 1.5 / ends
            certain = ((ends > 0) & (error < NEAR / 2)).all(axis=1) & (deviation > 1e-8 * np.abs(mean))
            lower, least, upper, most = ends.T
            sound[block] = certain
            exceeds[block] = np.where(certain, np.abs(mean) / deviation / np.where(mean > 0, upper, lower), 0)
            peaks[block] = np.where(certain, np.maximum(least / lower, most / upper), 0)
            raising = peaks[block] > bound_of(largest)
            for scale in (-1 / lower[raising], 1 / upper[raising]):
                np.maximum(largest, (t[raising] * scale[:, None]).max(axis=0, initial=0.0), out=largest)
    return _Screen(sound, exceeds, peaks, bound_of(largest))
