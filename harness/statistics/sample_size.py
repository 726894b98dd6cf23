"""How many units a paired test needs: planned from the differences that were seen."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from .paired_tests import ALPHA, CAUTION, MIN_ITEMS, Floats

POWER = 0.80
"""The chance to find a difference that is as large as it was seen."""
MOST = 100_000
"""The largest number that is counted."""
FAMILY_DEGREES = 2
"""Degrees of freedom that a family costs: with few units the largest resampled mean has heavier tails than t."""


def units_needed(differences: Floats, comparisons: int) -> int | None:
    """The fewest units whose paired test tells the mean of `differences` (n,) from 0 with a chance of 80 %.

    None where no number can be planned: one difference alone, or a mean of 0. `MOST + 1` stands for more than `MOST`.
    `comparisons` are the differences that are judged as one family (`paired_tests.mean_differences`). Noncentral t with
    the mean and the deviation that were seen, at the level of the family over its size (Bonferroni) and the caution of
    the test; never below the `MIN_ITEMS` of the test.
    """
    if np.isinf(differences).all():
        return MIN_ITEMS
    mean = float(differences.mean())
    if len(differences) < 2 or mean == 0 or math.isnan(mean):
        return None
    deviation = float(differences.std(ddof=1))
    if deviation <= 1e-9 * abs(mean):
        return MIN_ITEMS
    return units_for(abs(mean) / deviation, comparisons)


def units_for(effect: float, comparisons: int) -> int:
    """The fewest units that tell a mean `effect`, in units of its deviation, from 0; `MOST + 1` for more of them."""
    low, high = MIN_ITEMS, MOST + 1
    while low < high:
        middle = (low + high) // 2
        if power(effect, middle, comparisons) >= POWER:
            high = middle
        else:
            low = middle + 1
    return low


@lru_cache(maxsize=256)
def smallest_effect(n: int, comparisons: int) -> float:
    """The smallest mean, in units of its deviation, that `n` units tell from 0 with a chance of 80 %; inf where the
    test has too few."""
    if n < MIN_ITEMS:
        return math.inf
    low, high = 0.0, 1.0
    while power(high, n, comparisons) < POWER:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, n, comparisons) >= POWER else (middle, high)
    return high


def power(effect: float, n: int, comparisons: int) -> float:
    """The chance that a mean `effect`, in units of its deviation, is significant with `n` units, 4 or more.

    Noncentral t by its normal approximation (Johnson & Kotz 1970): it has a value everywhere, and where the chance is
    high, as it is planned here, it is good to 0.01.
    """
    from scipy.special import ndtr

    freedom, bound = _freedom_and_bound(n, comparisons)
    distance = effect * math.sqrt(n) - bound * (1 - 1 / (4 * freedom))
    return float(ndtr(distance / math.sqrt(1 + bound**2 / (2 * freedom))))


@lru_cache(maxsize=1024)
def _freedom_and_bound(n: int, comparisons: int) -> tuple[int, float]:
    """Degrees of freedom of the test, and what its t has to exceed."""
    from scipy.special import stdtrit

    freedom = n - 1 - (FAMILY_DEGREES if comparisons > 1 else 0)
    return freedom, float(stdtrit(freedom, 1 - ALPHA / CAUTION / comparisons / 2))
