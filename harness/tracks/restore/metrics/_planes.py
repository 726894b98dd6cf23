"""Perceptual and field metrics without weights: gmsd, vif, haarpsi; snr, nrmse, epi; enl for speckle.

gmsd, vif, haarpsi, epi and enl take pictures of 1 or 3 channels. Where a paper is about grey pictures, colour
becomes luma, 0.299 R + 0.587 G + 0.114 B, not rounded. gmsd, vif and haarpsi are on the scale 0–255 of their
papers whatever the protocol. All in float64.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._undefined import too_small

YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
"""Rows Y, I and Q of R, G, B, to three decimals as in the code of HaarPSI's authors."""

GMSD_SMALLEST, HAARPSI_SMALLEST, VIF_SMALLEST = 6, 16, 41


def problem_of(pair: Pair, name: str, least: int) -> NotDefined | None:
    height, width, channels = pair.x.shape
    if min(height, width) < least:
        return too_small(pair.x.shape, name, least)
    if channels not in (1, 3):
        return NotDefined(f"{name} takes 1 or 3 channels, not {channels}")
    return None


def lumas_of(pair: Pair, name: str, least: int) -> tuple[Float, Float] | NotDefined:
    """Restored and clean luma (H, W) on 0–255."""
    problem = problem_of(pair, name, least)
    if problem is not None:
        return problem
    x, y = (planes_of(p, pair.peak, YIQ[:1])[0] for p in (pair.x, pair.y))
    return x, y


def planes_of(picture: npt.NDArray[np.generic], peak: float, rows: tuple[tuple[float, ...], ...]) -> list[Float]:
    plain = np.asarray(picture, np.float64)
    if peak != 255.0:
        plain = plain * (255.0 / peak)
    if plain.shape[2] == 1:
        return [plain[:, :, 0]]
    return [np.asarray(cv2.transform(plain, np.array([row])), np.float64).reshape(plain.shape[:2]) for row in rows]


def halve(plane: Float) -> Float:
    """2×2 means at every second pixel; zero beyond an odd last row or column."""
    if plane.shape[0] % 2 or plane.shape[1] % 2:
        plane = np.pad(plane, [(0, side % 2) for side in plane.shape])
    rows = plane[0::2] + plane[1::2]
    halved: Float = rows[:, 0::2] + rows[:, 1::2]
    halved *= 0.25
    return halved


def power_of(pair: Pair) -> float:
    return float(cv2.norm(pair.y.reshape(pair.y.shape[0], -1), cv2.NORM_L2SQR))
