"""A function of one coordinate sampled on a grid of [0, 1], with the midpoints held out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from noisebench.tracks.functions import Target, as_target


def sampled(name: str, value: Callable[[np.ndarray], np.ndarray], samples: int) -> Target:
    """`value` of points (N,) at `samples` equally spaced points, and at the midpoints between them."""
    x = np.linspace(0.0, 1.0, samples)
    at = (x[1:] + x[:-1]) / 2
    return as_target(name, x, value(x), at, value(at))
