"""Diagnostics of why a method loses: correlation and spectrum of its error, noise left, PSNR by region.

A metric sees the restored and the clean picture, not the noisy one: `error` is restored − clean. None of these
ranks methods by itself. All in float64.
"""

from __future__ import annotations

import math
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from annotated_types import Ge

from ..errors import NotDefined
from .protocol import Pair, metric

Float = npt.NDArray[np.float64]

FLAT_BELOW = 4.0
"""Root mean square gradient, in grey levels of 255 a pixel, below which a place is flat."""
EDGE_FROM = 0.7
"""Coherence of the gradient from which a place that is not flat is an edge; below, it is texture."""
_SIGMA = 1.5


@metric("error_autocorrelation", higher=False)
def error_autocorrelation(pair: Pair, *, lag: Annotated[int, Ge(1)] = 1) -> float:
    """Correlation of the error with itself `lag` pixels right and `lag` down, the mean of both; 0 where white.

    Σ e(p) e(p + lag) / √(Σ e(p)² Σ e(p + lag)²) over the pairs that fit, after the mean of each channel is taken
    away, channels together. Near 1: blur, blotches, or a wrong level; below 0: ringing, or a checkerboard.
    """
    height, width, _ = pair.x.shape
    if min(height, width) <= lag:
        return _too_small(pair, f"error_autocorrelation(lag={lag})", lag + 1)
    error = _error(pair)
    error -= error.mean(axis=(0, 1))
    found = []
    for first, second in ((error[:-lag], error[lag:]), (error[:, :-lag], error[:, lag:])):
        power = math.sqrt(float(np.sum(first * first)) * float(np.sum(second * second)))
        if power <= 1e-20 * error.size:
            return NotDefined("error_autocorrelation needs an error that varies")
        found.append(float(np.sum(first * second)) / power)
    return sum(found) / 2


@metric("error_high_share", higher=False)
def error_high_share(pair: Pair) -> float:
    """Share of the error's power above half the Nyquist frequency: noise left, ringing, lost detail, aliasing.

    The periodogram over all channels, without a window; |f| > 1/4 cycle a pixel, the constant counted as low.
    A white error has 1 − π/16 = 0.80 there, blotches have less. Not defined where there is no error.
    """
    if min(pair.x.shape[:2]) < 8:
        return _too_small(pair, "error_high_share", 8)
    error = _error(pair)
    height, width = error.shape[:2]
    power = np.abs(np.fft.rfft2(error, axes=(0, 1))) ** 2
    both = np.full(power.shape[1], 2.0)  # a column of rfft2 stands for two of fft2 …
    both[0] = 1.0  # … but for the constant and, where the width is even, the Nyquist column
    if width % 2 == 0:
        both[-1] = 1.0
    radial = power.sum(axis=2) * both
    total = float(radial.sum())
    if total == 0:
        return NotDefined("error_high_share needs an error")
    square = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    return float(radial[square > 1 / 16].sum()) / total


@metric("noise_left", higher=False)
def noise_left(pair: Pair) -> float:
    """Noise level of the restored picture on 0–255, estimated without the clean one (Immerkær 1996).

    √(π/2) times the mean of |restored ∗ [1 −2 1; −2 4 −2; 1 −2 1]| / 6 where it fits, over all channels. Right for
    white Gaussian noise; fine texture counts as noise, so compare with the value of the clean picture.
    """
    if min(pair.x.shape[:2]) < 3:
        return _too_small(pair, "noise_left", 3)
    picture = np.asarray(pair.x, np.float64)
    rows = picture[:-2] - 2 * picture[1:-1] + picture[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return math.sqrt(math.pi / 2) / 6 * float(np.abs(both).mean()) * 255 / pair.peak


@metric("psnr_flat", unit="dB")
def psnr_flat(pair: Pair) -> float:
    """PSNR where the clean picture is flat: see `regions`. Not defined where no pixel is."""
    return _psnr_where(pair, 0, "psnr_flat")


@metric("psnr_edge", unit="dB")
def psnr_edge(pair: Pair) -> float:
    """PSNR where the clean picture has an edge: see `regions`. Not defined where no pixel has."""
    return _psnr_where(pair, 1, "psnr_edge")


@metric("psnr_texture", unit="dB")
def psnr_texture(pair: Pair) -> float:
    """PSNR where the clean picture has texture: see `regions`. Not defined where no pixel has."""
    return _psnr_where(pair, 2, "psnr_texture")


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


def _psnr_where(pair: Pair, kind: int, name: str) -> float:
    if pair.x.size == 0:
        return _too_small(pair, name, 1)
    inside = regions(pair.y, pair.peak) == kind
    count = int(inside.sum()) * pair.x.shape[2]
    if count == 0:
        return NotDefined(f"{name}: the clean picture has no such pixel")
    error = _error(pair)[inside]
    total = float(np.vdot(error, error))
    return math.inf if total == 0 else 10 * math.log10(pair.peak**2 * count / total)


def _smooth(plane: Float) -> Float:
    return np.asarray(cv2.GaussianBlur(plane, (13, 13), _SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float64)


def _error(pair: Pair) -> Float:
    return np.subtract(pair.x, pair.y, dtype=np.float64)


def _too_small(pair: Pair, name: str, least: int) -> NotDefined:
    height, width = pair.x.shape[:2]
    return NotDefined(f"{name} needs at least {least}×{least} pixels, not {height}×{width}")
