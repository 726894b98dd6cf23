from __future__ import annotations

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ..pairs import Pair
from ._undefined import nothing_left

_SIDE = 50


@metric("lightness_order", higher=False)
def lightness_order(pair: Pair) -> float:
    """Share of pairs of places whose order of lightness is not that of `y`: 0 to 1.

    The lightness order error of Wang et al. (2013), "Naturalness preserved enhancement algorithm for non-uniform
    illumination images", divided by the number of pixels: lightness is the largest channel, of both pictures
    reduced by area to 50 pixels on the shorter side; of two places, one is at least as light as the other or not.
    """
    if pair.x.size == 0:
        return nothing_left()
    x, y = (_reduced(picture.max(axis=2).astype(np.float64)) for picture in (pair.x, pair.y))
    # A change in the last bit of a sum over an area is no change of order.
    x, y = np.round(x / pair.peak, 9), np.round(y / pair.peak, 9)
    turned = sum(int(np.count_nonzero((x >= a) != (y >= b))) for a, b in zip(x, y, strict=True))
    return turned / x.size**2


def _reduced(plane: Float) -> Float:
    height, width = plane.shape
    shrink = min(1.0, _SIDE / min(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float64).ravel()
