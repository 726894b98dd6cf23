"""Sums of Gaussian bumps of several widths on [0, 1]: functions of a known bandwidth, keyed by their number."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.functions._sampled import sampled


class Bumps:
    """Functions that are made when they are loaded; each depends on the recipe and its own number alone."""

    def __init__(self, n: int, bandwidth: float, samples: int) -> None:
        self.ids: Sequence[str] = [f"bumps_{i:0{max(2, len(str(n - 1)))}d}" for i in range(n)]
        self._bandwidth = bandwidth
        self._samples = samples

    def load(self, index: int) -> object:
        """Function `index`: three to six bumps, the narrowest of which has the bandwidth."""
        number = range(len(self.ids))[index]
        key = hashlib.sha256(f"bumps|{self._bandwidth!r}|{number}".encode()).digest()
        rng = nb.keyed_generator(key)
        count = int(rng.integers(3, 7))
        sharpness = self._bandwidth * np.concatenate([[1.0], rng.uniform(0.1, 1.0, count - 1)])
        centres, heights = rng.uniform(0.1, 0.9, count), rng.uniform(0.2, 0.6, count)

        def value(x: np.ndarray) -> np.ndarray:
            return np.asarray(np.sum(heights * np.exp(-((sharpness * (x[:, None] - centres)) ** 2)), axis=1))

        return sampled(self.ids[index], value, self._samples)


@nb.dataset("bumps", track="functions", version=2, licence="CC0-1.0 (made here)")
def bumps(
    *,
    n: Annotated[int, Ge(1), Le(10_000)] = 12,
    bandwidth: Annotated[float, Gt(0), Le(1e4)] = 40.0,
    samples: Annotated[int, Ge(4), Le(100_000)] = 400,
) -> Bumps:
    """Sums of three to six bumps h·exp(−(s·(x − c))²) on [0, 1], the sharpest of which has s = bandwidth.

    `samples` equally spaced ones, ends included; held-out points lie in the middle between them. Values are rounded to
    the nearest 1/2^30.
    """
    return Bumps(n, bandwidth, samples)
