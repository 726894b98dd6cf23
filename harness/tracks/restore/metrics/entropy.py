from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..pairs import Pair
from ._no_reference import luma_of
from ._undefined import nothing_left


@metric("entropy", unit="bit")
def entropy(pair: Pair) -> float:
    """Shannon entropy of the restored picture's luma in 256 levels: 0 for a flat picture, 8 where all are alike."""
    if pair.x.size == 0:
        return nothing_left()
    levels = np.rint(np.clip(luma_of(pair.x) * (255 / pair.peak), 0, 255)).astype(np.uint8)
    share = np.bincount(levels.ravel(), minlength=256) / levels.size
    share = share[share > 0]
    return max(0.0, float(-(share * np.log2(share)).sum()))
