"""Exponents of power laws: least squares of logarithms, with an interval over repetitions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Exponent:
    """e of y ∝ x^e: the mean of a fit a seed, and its 95 % t interval over seeds, None of a single one.

    Fitted to `points` values of x from `start` on.
    """

    value: float
    interval: tuple[float, float] | None
    points: int
    start: float

    @property
    def text(self) -> str:
        """`0.98 [0.91, 1.05]`."""
        ends = "" if self.interval is None else f" [{self.interval[0]:.2f}, {self.interval[1]:.2f}]"
        return f"{self.value:.2f}{ends}".replace("-", "−")


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the least-squares line; x needs two different values."""
    across = np.asarray(x) - np.mean(x)
    return float(across @ (np.asarray(y) - np.mean(y)) / (across @ across))


def exponent(by_seed: Sequence[Mapping[float, float]], start: float = 0.0) -> Exponent | None:
    """The exponent of values by x, one mapping a seed, from `start` on.

    None where a value is not positive, or a seed lacks an x that another has: fits of other points do not compare.
    """
    fitted = [{x: y for x, y in one.items() if x >= start} for one in by_seed]
    places = {frozenset(one) for one in fitted}
    if len(places) != 1 or len(fitted[0]) < 2 or any(min(x, y) <= 0 for one in fitted for x, y in one.items()):
        return None
    slopes = [slope([math.log(x) for x in one], [math.log(y) for y in one.values()]) for one in fitted]
    return Exponent(fmean(slopes), _interval(slopes), len(fitted[0]), min(fitted[0]))


def upper_half(by_seed: Sequence[Mapping[float, float]]) -> Exponent | None:
    """The exponent of the upper half of x, which has four values at least; it differs where the line is bent."""
    places = sorted({x for one in by_seed for x in one})
    return exponent(by_seed, places[len(places) // 2]) if len(places) >= 4 else None


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    middle = fmean(values)
    half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * stdev(values) / math.sqrt(len(values))
    return middle - half, middle + half
