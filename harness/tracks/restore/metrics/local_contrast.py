from __future__ import annotations

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Array, Pair
from ._structure import WINDOW, gaussian_taps
from ._undefined import too_small


@metric("local_contrast", goal="1")
def local_contrast(pair: Pair) -> float:
    """Mean local standard deviation of the restored picture over that of the clean one: below 1 it is flatter.

    In the Gaussian window of SSIM, where it fits, the mean over places and channels. Noise that is left counts as
    contrast. Not defined where the clean picture is flat.
    """
    if min(pair.x.shape[:2]) < WINDOW:
        return too_small(pair.x.shape, "local_contrast", WINDOW)
    restored, clean = (_mean_deviation(picture) for picture in (pair.x, pair.y))
    # What is left of roundings is no contrast.
    if clean <= 1e-7 * pair.peak:
        return NotDefined("local_contrast needs a clean picture that is not flat")
    return restored / clean


def _mean_deviation(picture: Array) -> float:
    radius, taps = WINDOW // 2, gaussian_taps()
    total = 0.0
    for channel in range(picture.shape[2]):
        plane: Float = picture[:, :, channel].astype(np.float64)
        plane -= plane.mean()
        mean = cv2.sepFilter2D(plane, cv2.CV_64F, taps, taps)
        variance = cv2.sepFilter2D(plane * plane, cv2.CV_64F, taps, taps) - mean * mean
        total += float(np.sqrt(np.maximum(variance, 0.0))[radius:-radius, radius:-radius].mean())
    return float(total / picture.shape[2])
