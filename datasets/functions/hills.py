"""Sums of Gaussian hills over one, two, three or more coordinates, sampled at random points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.functions import as_target

_GRID = 2**30
"""Exponentials differ in the last bits from processor to processor; to the nearest 1/2^30 values do not."""


class Hills:
    """Functions that are made when they are loaded; each depends on the recipe and its own number alone."""

    def __init__(self, n: int, d: int, bandwidth: float, samples: int) -> None:
        self.ids: Sequence[str] = [f"hills_{i:0{max(2, len(str(n - 1)))}d}" for i in range(n)]
        self._d, self._bandwidth, self._samples = d, bandwidth, samples

    def load(self, index: int) -> object:
        """Function `index`: four to eight hills, the narrowest of which has the bandwidth."""
        number = range(len(self.ids))[index]
        rng = nb.keyed_generator(nb.text_key(f"hills|{self._d}|{self._bandwidth!r}|{number}"))
        count = int(rng.integers(4, 9))
        sharpness = self._bandwidth * np.concatenate([[1.0], rng.uniform(0.2, 1.0, count - 1)])
        centres, heights = rng.uniform(0.1, 0.9, (count, self._d)), rng.uniform(-0.6, 0.6, count)
        x, at = (rng.random((self._samples, self._d)) for _ in range(2))

        def value(points: np.ndarray) -> np.ndarray:
            squares = ((points[:, None] - centres) ** 2).sum(axis=-1)
            values: np.ndarray = (heights * np.exp(-(sharpness**2) * squares)).sum(axis=1)
            return np.asarray(np.rint(values * _GRID) / _GRID)

        return as_target(self.ids[index], x, value(x), at, value(at))


@nb.dataset("hills", track="functions", licence="CC0-1.0 (made here)")
def hills(
    *,
    n: Annotated[int, Ge(1), Le(10_000)] = 12,
    d: Annotated[int, Ge(1), Le(20)] = 2,
    bandwidth: Annotated[float, Gt(0), Le(1e4)] = 6.0,
    samples: Annotated[int, Ge(4), Le(100_000)] = 400,
) -> Hills:
    """Sums of four to eight hills h·exp(−s²|x − c|²) on [0, 1]^d, the sharpest of which has s = bandwidth.

    `samples` points are drawn evenly, and as many others are held out. Values are rounded to the nearest 1/2^30.
    """
    return Hills(n, d, bandwidth, samples)
