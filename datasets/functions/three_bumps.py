"""The function of the paper on bandlimited random weights, and the same made wider or narrower."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.functions._sampled import sampled


class ThreeBumps:
    """One function."""

    ids = ("three_bumps",)

    def __init__(self, scale: float, samples: int) -> None:
        self._scale = scale
        self._samples = samples

    def load(self, index: int) -> object:
        """The function. Raises IndexError beyond the first."""
        s, name = self._scale, self.ids[index]

        def value(x: np.ndarray) -> np.ndarray:
            # Each bump keeps its centre, at 0.4, 0.5 and 0.25, and is `scale` times as sharp.
            wide = 0.2 * np.exp(-((10 * s * (x - 0.4)) ** 2))
            sharp = 0.5 * np.exp(-((80 * s * (x - 0.5)) ** 2)) + 0.3 * np.exp(-((80 * s * (x - 0.25)) ** 2))
            return wide + sharp

        return sampled(name, value, self._samples)


@nb.dataset(
    "three_bumps",
    track="functions",
    version=2,
    licence="CC0-1.0 (made here)",
    citation="M. Li et al., How powerful are shallow neural networks with bandlimited random weights?, ICML 2023",
)
def three_bumps(
    *, scale: Annotated[float, Gt(0), Le(1e3)] = 1.0, samples: Annotated[int, Ge(4), Le(100_000)] = 2000
) -> ThreeBumps:
    """0.2·exp(−(10x−4)²) + 0.5·exp(−(80x−40)²) + 0.3·exp(−(80x−20)²) on [0, 1], each bump `scale` times as sharp.

    Values are rounded to the nearest 1/2^30.
    """
    return ThreeBumps(scale, samples)
