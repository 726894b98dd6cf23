"""Antialiased bicubic resizing to any size, exact in float64: the one that feature networks are fed with."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..pixels import Array
from ..resample import cubic

VERSION = 1
NAME = f"bicubic-antialiased@{VERSION}"
_SUPPORT = 2.0


@lru_cache(maxsize=16)
def weights(n: int, m: int) -> npt.NDArray[np.float64]:
    """(m, n) rows of sum 1 that take n samples to m: Keys' kernel, a = −0.5, stretched where m < n.

    Output pixel i is centred on (i + ½) n/m; taps beyond the border are left out and the rest scaled to sum 1,
    as Pillow does it (its mode F gives the same within float32).
    """
    scale = n / m
    stretch = max(scale, 1.0)
    table = np.zeros((m, n))
    for i in range(m):
        centre = (i + 0.5) * scale
        first = max(0, int(centre - _SUPPORT * stretch + 0.5))
        last = min(n, int(centre + _SUPPORT * stretch + 0.5))
        taps = [cubic((k - centre + 0.5) / stretch) for k in range(first, last)]
        table[i, first:last] = np.array(taps) / math.fsum(taps)
    table.flags.writeable = False
    return table


def resize(picture: Array, height: int, width: int) -> npt.NDArray[np.float64]:
    """(H, W, C) of any real type → (height, width, C) float64, neither clipped nor rounded."""
    x = np.asarray(picture, np.float64)
    down, across = weights(x.shape[0], height), weights(x.shape[1], width)
    planes = [down @ x[:, :, c] @ across.T for c in range(x.shape[2])]
    return np.stack(planes, axis=2)
