from __future__ import annotations

import math

import numpy as np

from ....components.decorators import metric
from ..pairs import Pair
from ._undefined import nothing_missing


@metric("psnr_hole", title="PSNR of holes", unit="dB", decimals=2, missing=True)
def psnr_hole(pair: Pair) -> float:
    """PSNR of the missing pixels alone: those that were known count as they were given. Not defined without a mask."""
    if pair.missing is None or not pair.missing.any():
        return nothing_missing(pair, "psnr_hole")
    error = np.subtract(pair.x[pair.missing], pair.y[pair.missing], dtype=np.float64)
    total = float(np.vdot(error, error))
    return math.inf if total == 0 else 10 * math.log10(pair.peak**2 * error.size / total)
