from __future__ import annotations

import math

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import GMSD_SMALLEST, halve, lumas_of

GMSD_T = 170.0


@metric("gmsd", title="GMSD", higher=False)
def gmsd(pair: Pair) -> float:
    """Gradient magnitude similarity deviation of luma; 0 for equal pictures (Xue et al. 2014).

    The deviation over pixels of (2 gₓ g_y + T) / (gₓ² + g_y² + T), T = 170, g the length of the Prewitt gradient
    over 3 after 2×2 means at every second pixel; outside the picture is zero, as in the authors' code. The
    deviation divides by N, as in the paper (their code by N − 1).
    """
    lumas = lumas_of(pair, "gmsd", GMSD_SMALLEST)
    if isinstance(lumas, NotDefined):
        return lumas
    first, second = (_squared_gradient(halve(luma)) for luma in lumas)
    both = first + second
    both += GMSD_T
    np.multiply(first, second, out=first)
    np.sqrt(first, out=first)
    first *= 2.0
    first += GMSD_T
    first /= both
    first -= first.mean()
    return float(cv2.norm(first)) / math.sqrt(first.size)


def _squared_gradient(plane: Float) -> Float:
    side, flat = np.array([-1.0, 0.0, 1.0]), np.full(3, 1 / 3)
    across, down = (
        np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kx, ky, borderType=cv2.BORDER_CONSTANT), np.float64)
        for kx, ky in ((side, flat), (flat, side))
    )
    across *= across
    down *= down
    across += down
    return across
