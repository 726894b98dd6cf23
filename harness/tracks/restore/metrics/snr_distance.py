from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._undefined import nothing_left


@metric("snr_distance", title="SNR distance", higher=False, decimals=4)
def snr_distance(pair: Pair) -> float:
    """SNR distance (Yuan et al. 2019): variance of restored − clean over the variance of the clean picture.

    Over all values of all channels. 10^(−SNR/10) where both have the mean 0: a wrong mean costs nothing here.
    """
    if pair.y.size == 0:
        return nothing_left()
    power = float(np.var(pair.y, dtype=np.float64))
    if power == 0:
        return NotDefined("snr_distance needs a clean picture that is not flat")
    noise = float(np.var(pair.x.astype(np.float64) - pair.y.astype(np.float64)))
    return noise / power
