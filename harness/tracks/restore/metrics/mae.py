"""Mean absolute error on the [0, 1] scale: in units of the data range."""

from __future__ import annotations

import cv2

from ....components import metric
from ..pairs import Pair
from ._fidelity import error_norm
from ._undefined import nothing_left


@metric("mae", higher=False)
def mae(pair: Pair) -> float:
    """Mean absolute error on the [0, 1] scale: in units of the data range."""
    if pair.x.size == 0:
        return nothing_left()
    return error_norm(pair, cv2.NORM_L1) / pair.x.size / pair.peak
