from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..pairs import Pair
from ._undefined import nothing_left


@metric("mean_shift", higher=False, decimals=2)
def mean_shift(pair: Pair) -> float:
    """Distance of the mean of the restored picture from that of the clean one, on 0–255: drift of brightness.

    Over all values, in float64; without a sign, so that a mean over pictures is no difference of drifts.
    """
    if pair.x.size == 0:
        return nothing_left()
    return abs(float(pair.x.mean(dtype=np.float64) - pair.y.mean(dtype=np.float64))) * 255 / pair.peak
