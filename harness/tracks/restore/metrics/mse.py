"""Mean squared error on the [0, 1] scale: in units of the data range squared."""

from __future__ import annotations

import cv2

from ....components import metric
from ..pairs import Pair
from ._fidelity import error_norm
from ._undefined import nothing_left


@metric("mse", higher=False)
def mse(pair: Pair) -> float:
    """Mean squared error on the [0, 1] scale: in units of the data range squared."""
    if pair.x.size == 0:
        return nothing_left()
    return error_norm(pair, cv2.NORM_L2SQR) / pair.x.size / pair.peak**2
