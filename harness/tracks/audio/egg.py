"""The electroglottograph (EGG) of a voice by its closures."""

from __future__ import annotations

import numpy as np

from .clip import Floats

_FINE = 8
LONGEST = 0.02
"""Seconds: closures that are further apart have no voice between them."""
LATE, OPEN = 0.2, 0.6
"""Parts of a period after a closure at which the folds begin to part, and at which they have parted."""


def egg_of(closures: Floats, rate: int, count: int) -> Floats:
    """The EGG (count,) of closures in seconds: 0 while the folds are apart, -1 when they touch most.

    It falls within two samples at each closure, and rises as a cosine from 0.2 to 0.6 of the period after it, which is
    when the next pulse of `voices` begins.
    """
    if not len(closures):
        return np.zeros(count)
    gaps = np.full(len(closures) + 1, np.inf)
    gaps[1:-1] = np.diff(closures)
    periods = np.where(gaps[1:] <= LONGEST, gaps[1:], np.where(gaps[:-1] <= LONGEST, gaps[:-1], 0.01))
    # Fine values are the middles of eighths of a sample, from a sample before the first on.
    time = ((np.arange((count + 1) * _FINE) + 0.5) / _FINE - 1) / rate
    last = np.searchsorted(closures, time, side="right") - 1
    phase = np.where(last < 0, 1.0, (time - closures[last]) / periods[last])
    part = np.clip((phase - LATE) / (OPEN - LATE), 0, 1)
    fine = (np.cos(np.pi * part) + 1) / -2
    sums = np.concatenate([[0.0], np.cumsum(fine)])
    return np.asarray((sums[2 * _FINE :: _FINE] - sums[: -2 * _FINE : _FINE])[:count] / (2 * _FINE))
