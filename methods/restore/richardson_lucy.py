from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.restore._inverse import filtered, periodic
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("richardson_lucy", layout="hwc", needs=("kernel",), cite="Richardson 1972; Lucy 1974; Morozov 1966")
def richardson_lucy(noisy: Any, info: Any, *, iterations: Annotated[int, Ge(1)] = 50) -> Any:
    """Richardson–Lucy deconvolution, stopped before it fits the noise: at most `iterations` steps.

    The stop is Morozov's discrepancy principle (1966): once the blurred estimate is within sigma of y.
    """
    y, height, width, transfer = periodic(noisy, info)
    y = np.maximum(y, 0)
    # A quarter of a grey level of 8 bits: keeps the quotient finite in the black.
    least = 1e-3
    variance = noise_sigma(noisy, info) ** 2
    x = np.maximum(y, least)
    for _ in range(iterations):
        blurred = filtered(x, transfer)
        if np.mean(np.square(blurred - y)) <= variance:
            break
        x = np.maximum(x * filtered(y / np.maximum(blurred, least), np.conj(transfer)), 0)
    return x[:height, :width].astype(np.float32)
