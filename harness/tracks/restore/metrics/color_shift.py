from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..pairs import Pair
from ._undefined import nothing_left


@metric("color_shift", higher=False, decimals=2)
def color_shift(pair: Pair) -> float:
    """Distance of the mean colour of the restored picture from that of the clean one, on 0–255: a cast.

    Root of the mean over channels of the squared difference of their means, in float64. Of grey pictures it is
    `mean_shift`; of coloured ones it sees also what leaves the brightness as it is.
    """
    if pair.x.size == 0:
        return nothing_left()
    shift = pair.x.mean(axis=(0, 1), dtype=np.float64) - pair.y.mean(axis=(0, 1), dtype=np.float64)
    return float(np.sqrt((shift * shift).mean())) * 255 / pair.peak
