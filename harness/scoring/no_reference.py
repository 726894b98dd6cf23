"""Metrics that need no clean picture: for photographs in low light, and what a restorer left or made up.

`y` of the pair is not a truth there: only `lightness_order` looks at it, as the picture that was to be enhanced. None
of these alone says that a picture is good.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import NotDefined
from .protocol import GRAY_601, Pair, metric

Float = npt.NDArray[np.float64]

_LAPLACE = np.array([[1.0, -2, 1], [-2, 4, -2], [1, -2, 1]])
_SIDE = 50


@metric("brightness")
def brightness(pair: Pair) -> float:
    """Mean luma of the restored picture on [0, 1]."""
    if pair.x.size == 0:
        return _nothing_left()
    return float(_luma(pair.x).mean()) / pair.peak


@metric("entropy", unit="bit")
def entropy(pair: Pair) -> float:
    """Shannon entropy of the restored picture's luma in 256 levels: 0 for a flat picture, 8 where all are alike."""
    if pair.x.size == 0:
        return _nothing_left()
    levels = np.rint(np.clip(_luma(pair.x) * (255 / pair.peak), 0, 255)).astype(np.uint8)
    share = np.bincount(levels.ravel(), minlength=256) / levels.size
    share = share[share > 0]
    return max(0.0, float(-(share * np.log2(share)).sum()))


@metric("noise_level", higher=False)
def noise_level(pair: Pair) -> float:
    """Standard deviation of white noise in the restored picture, on 0–255, mean over channels (Immerkær 1996).

    √(π/2) / 6 times the mean absolute response of the mask [1 −2 1]ᵀ[1 −2 1], which leaves out planes. Fine
    texture counts as noise.
    """
    if min(pair.x.shape[:2]) < 3:
        return NotDefined("noise_level needs 3 pixels a side")
    found = []
    for c in range(pair.x.shape[2]):
        plane = np.ascontiguousarray(pair.x[:, :, c], dtype=np.float64) * (255 / pair.peak)
        response = cv2.filter2D(plane, cv2.CV_64F, _LAPLACE)[1:-1, 1:-1]
        found.append(math.sqrt(math.pi / 2) / 6 * float(np.abs(response).mean()))
    return sum(found) / len(found)


@metric("lightness_order", higher=False)
def lightness_order(pair: Pair) -> float:
    """Share of pairs of places whose order of lightness is not that of `y`: 0 to 1.

    The lightness order error of Wang et al. (2013), "Naturalness preserved enhancement algorithm for non-uniform
    illumination images", divided by the number of pixels: lightness is the largest channel, of both pictures
    reduced by area to 50 pixels on the shorter side; of two places, one is at least as light as the other or not.
    """
    if pair.x.size == 0:
        return _nothing_left()
    x, y = (_reduced(picture.max(axis=2).astype(np.float64)) for picture in (pair.x, pair.y))
    # A change in the last bit of a sum over an area is no change of order.
    x, y = np.round(x / pair.peak, 9), np.round(y / pair.peak, 9)
    turned = sum(int(np.count_nonzero((x >= a) != (y >= b))) for a, b in zip(x, y, strict=True))
    return turned / x.size**2


def _luma(picture: npt.NDArray[np.generic]) -> Float:
    values = picture.astype(np.float64)
    if picture.shape[2] == 3:
        luma: Float = values @ np.array(GRAY_601, np.float64) / 1000
        return luma
    mean: Float = values.mean(axis=2)
    return mean


def _reduced(plane: Float) -> Float:
    height, width = plane.shape
    shrink = min(1.0, _SIDE / min(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float64).ravel()


def _nothing_left() -> NotDefined:
    return NotDefined("the border leaves no pixel")
