"""A function of one coordinate sampled on a grid of [0, 1], with the midpoints held out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from noisebench.tracks.functions import Target, as_target

_GRID = 2**30
"""Exponentials differ in the last bits from processor to processor; to the nearest 1/2^30 values do not."""


def sampled(name: str, value: Callable[[np.ndarray], np.ndarray], samples: int) -> Target:
    """`value` of points (N,) to the nearest 1/2^30, at `samples` equally spaced points and the midpoints of these."""
    x = np.linspace(0.0, 1.0, samples)
    at = (x[1:] + x[:-1]) / 2
    return as_target(name, x, np.rint(value(x) * _GRID) / _GRID, at, np.rint(value(at) * _GRID) / _GRID)
