"""Metrics that need no clean picture: for photographs in low light, and what a restorer left or made up.

`y` of the pair is not a truth there: only `lightness_order` looks at it, as the picture that was to be enhanced. None
of these alone says that a picture is good.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....imaging.pixels import Float
from ..protocols.gray8 import GRAY_601


def luma_of(picture: npt.NDArray[np.generic]) -> Float:
    values = picture.astype(np.float64)
    if picture.shape[2] == 3:
        luma: Float = values @ np.array(GRAY_601, np.float64) / 1000
        return luma
    mean: Float = values.mean(axis=2)
    return mean
