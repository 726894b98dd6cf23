from __future__ import annotations

import math

import cv2
import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair

_LAPLACE = np.array([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]])


@metric("noise_level", higher=False)
def noise_level(pair: Pair) -> float:
    """Standard deviation of white noise in the restored picture, on 0–255, mean over channels (Immerkær 1996).

    √(π/2) / 6 times the mean absolute response of the mask [1 −2 1]ᵀ[1 −2 1], which leaves out planes. Fine
    texture counts as noise.
    """
    if min(pair.x.shape[:2]) < 3:
        return NotDefined("noise_level needs 3 pixels a side")
    levels = []
    for c in range(pair.x.shape[2]):
        plane = np.ascontiguousarray(pair.x[:, :, c], dtype=np.float64) * (255 / pair.peak)
        response = cv2.filter2D(plane, cv2.CV_64F, _LAPLACE)[1:-1, 1:-1]
        levels.append(math.sqrt(math.pi / 2) / 6 * float(np.abs(response).mean()))
    return sum(levels) / len(levels)
