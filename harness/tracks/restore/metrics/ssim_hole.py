from __future__ import annotations

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ..pairs import Pair
from ._structure import K1, K2, WINDOW, gaussian_taps
from ._undefined import nothing_missing, too_small


@metric("ssim_hole", title="SSIM of holes", missing=True)
def ssim_hole(pair: Pair) -> float:
    """SSIM around the missing pixels: the mean over windows whose middle is one, the known pixels as they were given.

    Windows, constants and valid region are those of `ssim`, in float64. Not defined without a mask, or below 11 pixels.
    """
    if pair.missing is None:
        return nothing_missing(pair, "ssim_hole")
    if min(pair.x.shape[:2]) < WINDOW:
        return too_small(pair.x.shape, "ssim_hole", WINDOW)
    edge = WINDOW // 2
    middle = pair.missing[edge:-edge, edge:-edge]
    if not middle.any():
        return nothing_missing(pair, "ssim_hole")
    c1, c2 = (K1 * pair.peak) ** 2, (K2 * pair.peak) ** 2
    taps = gaussian_taps()

    def mean(plane: Float) -> Float:
        return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, taps, taps), np.float64)[edge:-edge, edge:-edge]

    total = 0.0
    for channel in range(pair.x.shape[2]):
        x, y = (np.ascontiguousarray(picture[:, :, channel], np.float64) for picture in (pair.x, pair.y))
        mx, my = mean(x), mean(y)
        both = mean(x * x + y * y) - mx * mx - my * my
        cross = mean(x * y) - mx * my
        similar = (2 * mx * my + c1) * (2 * cross + c2) / ((mx * mx + my * my + c1) * (both + c2))
        total += float(similar[middle].mean())
    return total / int(pair.x.shape[2])
