"""Peak signal-to-noise ratio of matrices that are pictures."""

from __future__ import annotations

import math

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Recovery


@metric("psnr", title="PSNR", unit="dB", track="matrix", higher=True, order=20, decimals=2)
def psnr(recovery: Recovery) -> float:
    """20 log10(peak / RMSE) in dB, of the entries that count, with values clipped to [0, peak]; inf where all are true.

    Not defined for matrices that are no pictures.
    """
    peak = recovery.item.peak
    if peak is None:
        return NotDefined("the matrix is no picture")
    true = recovery.item.truth[recovery.counted]
    error = float(np.sqrt(np.mean((np.clip(recovery.matrix[recovery.counted], 0, peak) - true) ** 2)))
    return 20 * math.log10(peak / error) if error else math.inf
