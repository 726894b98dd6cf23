"""Diagnostics of why a method loses: correlation and spectrum of its error and residual, PSNR by region.

The error is restored − clean, under the protocol. The residual is noisy − restored, what the method took away: not
clipped, rounded or cut; for noise that was white it should look like that noise. None of these ranks methods by
itself. All in float64.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._undefined import too_small

FLAT_BELOW = 4.0
"""Root mean square gradient, in grey levels of 255 a pixel, below which a place is flat."""
EDGE_FROM = 0.7
"""Coherence of the gradient from which a place that is not flat is an edge; below, it is texture."""
_SIGMA, EULER = 1.5, 0.5772156649015329


def regions(clean: npt.NDArray[np.generic], peak: float) -> npt.NDArray[np.uint8]:
    """What each pixel of a clean picture (H, W, C) is, (H, W): 0 flat, 1 edge, 2 texture.

    By the structure tensor: products of central differences, summed over channels and averaged by a Gaussian of
    sigma 1.5 pixels (13 taps, mirrored border). Its eigenvalues p ≥ q give the strength √((p + q)/C), in grey
    levels of 255, and the coherence (p − q)/(p + q). Flat: strength below 4. Edge: coherence from 0.7. Else texture.
    """
    picture = np.asarray(clean, np.float64) * (255.0 / peak)
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dd, aa, da = (_smooth(np.sum(p, axis=2)) for p in (down * down, across * across, down * across))
    total = dd + aa
    gap = np.sqrt((dd - aa) ** 2 + 4 * da * da)
    kinds = np.where(gap >= EDGE_FROM * total, 1, 2).astype(np.uint8)
    kinds[total < FLAT_BELOW**2 * picture.shape[2]] = 0
    return kinds


def psnr_where(pair: Pair, kind: int, name: str) -> float:
    if pair.x.size == 0:
        return too_small(pair.x.shape, name, 1)
    inside = regions(pair.y, pair.peak) == kind
    count = int(inside.sum()) * pair.x.shape[2]
    if count == 0:
        return NotDefined(f"{name}: the clean picture has no such pixel")
    error = error_of(pair)[inside]
    total = float(np.vdot(error, error))
    return math.inf if total == 0 else 10 * math.log10(pair.peak**2 * count / total)


def band_share(pair: Pair, low: float, high: float, name: str) -> float:
    power, weight = periodogram(error_of(pair))
    radial = power.sum(axis=2) * weight
    total = float(radial.sum())
    if total == 0:
        return NotDefined(f"{name} needs an error")
    height, width = pair.x.shape[:2]
    # In whole numbers, by 1/(H·W): which side of the edge of a ring a frequency lies on is no matter of rounding.
    rows, columns = np.rint(np.fft.fftfreq(height, 1 / height)), np.rint(np.fft.rfftfreq(width, 1 / width))
    square = (rows * width)[:, None] ** 2 + (columns * height) ** 2
    inside = square <= (high * height * width) ** 2
    if low > 0:
        inside &= square > (low * height * width) ** 2
    return float(radial[inside].sum()) / total


def periodogram(error: Float) -> tuple[Float, Float]:
    """|rfft2|² (H, W//2 + 1, C), and for how many frequencies of the whole plane each stands (H, W//2 + 1)."""
    power = np.abs(np.fft.rfft2(error, axes=(0, 1))) ** 2
    weight = np.full(power.shape[:2], 2.0)
    weight[:, 0] = 1.0  # the constant column stands for itself, and where the width is even the Nyquist column
    if error.shape[1] % 2 == 0:
        weight[:, -1] = 1.0
    return power, weight


def lag_correlation(error: Float, lag: int, name: str, signal: str) -> float:
    height, width = error.shape[:2]
    if min(height, width) <= lag:
        return NotDefined(f"{name}(lag={lag}) needs at least {lag + 1}×{lag + 1} pixels, not {height}×{width}")
    error -= error.mean(axis=(0, 1))
    correlations = []
    for first, second in ((error[:-lag], error[lag:]), (error[:, :-lag], error[:, lag:])):
        power = math.sqrt(float(np.sum(first * first)) * float(np.sum(second * second)))
        if power <= 1e-20 * error.size:
            return NotDefined(f"{name} needs {signal} that varies")
        correlations.append(float(np.sum(first * second)) / power)
    return sum(correlations) / 2


def _smooth(plane: Float) -> Float:
    return np.asarray(cv2.GaussianBlur(plane, (13, 13), _SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float64)


def error_of(pair: Pair) -> Float:
    return np.subtract(pair.x, pair.y, dtype=np.float64)


def no_residual(name: str) -> NotDefined:
    return NotDefined(f"{name} needs the noisy input, of the size of the restored picture")
