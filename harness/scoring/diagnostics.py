"""Diagnostics of why a method loses: correlation and spectrum of its error and residual, PSNR by region.

The error is restored − clean, under the protocol. The residual is noisy − restored, what the method took away: not
clipped, rounded or cut; for noise that was white it should look like that noise. None of these ranks methods by
itself. All in float64.
"""

from __future__ import annotations

import math
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt

from ..errors import NotDefined
from .protocol import Pair, metric

Float = npt.NDArray[np.float64]

FLAT_BELOW = 4.0
"""Root mean square gradient, in grey levels of 255 a pixel, below which a place is flat."""
EDGE_FROM = 0.7
"""Coherence of the gradient from which a place that is not flat is an edge; below, it is texture."""
_SIGMA, _EULER = 1.5, 0.5772156649015329


@metric("error_autocorrelation", higher=False)
def error_autocorrelation(pair: Pair, *, lag: Annotated[int, Ge(1)] = 1) -> float:
    """Correlation of the error with itself `lag` pixels right and `lag` down, the mean of both; 0 where white.

    Σ e(p) e(p + lag) / √(Σ e(p)² Σ e(p + lag)²) over the pairs that fit, after the mean of each channel is taken
    away, channels together. Near 1: blur, blotches, or a wrong level; below 0: ringing, or a checkerboard.
    """
    return _correlation(_error(pair), lag, "error_autocorrelation", "an error")


@metric("residual_autocorrelation", higher=False, residual=True)
def residual_autocorrelation(pair: Pair, *, lag: Annotated[int, Ge(1)] = 1) -> float:
    """Correlation of the residual with itself `lag` pixels right and down, as for the error; 0 where white.

    Above 0: structure of the picture went with the noise. Below 0: smooth parts of the noise were left behind.
    """
    if pair.residual is None:
        return _no_residual("residual_autocorrelation")
    return _correlation(pair.residual.copy(), lag, "residual_autocorrelation", "a residual")


@metric("residual_whiteness", residual=True)
def residual_whiteness(pair: Pair) -> float:
    """Spectral flatness of the residual: 1 for white noise, towards 0 the more its power is in a few frequencies.

    e^γ times the geometric mean of the periodogram over its arithmetic mean (Gray and Markel 1974), without the
    constant, channels together; the factor, γ = 0.5772…, makes it 1 for white Gaussian noise (± 0.01 at 128²).
    """
    if pair.residual is None:
        return _no_residual("residual_whiteness")
    height, width = pair.residual.shape[:2]
    if min(height, width) < 8:
        return NotDefined(f"residual_whiteness needs at least 8×8 pixels, not {height}×{width}")
    power, weight = _periodogram(pair.residual)
    weight[0, 0] = 0
    total = float(weight.sum()) * float(power.shape[2])
    mean = float((power * weight[:, :, None]).sum()) / total
    # What is left of rounding is no residual; and zeros have no logarithm.
    if mean <= 1e-20 * height * width:
        return NotDefined("residual_whiteness needs a residual that varies")
    logarithm = np.log(np.maximum(power, mean * 1e-20))
    geometric = float((logarithm * weight[:, :, None]).sum()) / total
    return math.exp(_EULER + geometric) / mean


@metric("error_high_share", higher=False)
def error_high_share(pair: Pair) -> float:
    """Share of the error's power above half the Nyquist frequency: noise left, ringing, lost detail, aliasing.

    The periodogram over all channels, without a window; |f| > 1/4 cycle a pixel, the constant counted as low.
    A white error has 1 − π/16 = 0.80 there, blotches have less. Not defined where there is no error.
    """
    if min(pair.x.shape[:2]) < 8:
        return _too_small(pair, "error_high_share", 8)
    return _share(pair, 0.25, 1.0, "error_high_share")


@metric("error_band", higher=False)
def error_band(pair: Pair, *, low: Annotated[float, Ge(0)] = 0.0, high: Annotated[float, Gt(0)] = 0.125) -> float:
    """Share of the error's power at `low` < |f| ≤ `high` cycles a pixel: one ring of its radial spectrum.

    Rings from 0 to 0.125, 0.25, 0.375, 0.5 and 0.71 add up to 1. The constant counts where `low` is 0. A white
    error has the area of the ring, π (high² − low²) below 0.5; where a method has more, it loses there.
    """
    if high <= low:
        return NotDefined(f"error_band needs low < high, not {low:g} and {high:g}")
    if min(pair.x.shape[:2]) < 8:
        return _too_small(pair, "error_band", 8)
    return _share(pair, low, high, "error_band")


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


def _share(pair: Pair, low: float, high: float, name: str) -> float:
    power, weight = _periodogram(_error(pair))
    radial = power.sum(axis=2) * weight
    total = float(radial.sum())
    if total == 0:
        return NotDefined(f"{name} needs an error")
    height, width = pair.x.shape[:2]
    square = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.rfftfreq(width) ** 2
    inside = square <= high**2
    if low > 0:
        inside &= square > low**2
    return float(radial[inside].sum()) / total


def _periodogram(error: Float) -> tuple[Float, Float]:
    """|rfft2|² (H, W//2 + 1, C), and for how many frequencies of the whole plane each stands (H, W//2 + 1)."""
    power = np.abs(np.fft.rfft2(error, axes=(0, 1))) ** 2
    weight = np.full(power.shape[:2], 2.0)
    weight[:, 0] = 1.0  # the constant column stands for itself, and where the width is even the Nyquist column
    if error.shape[1] % 2 == 0:
        weight[:, -1] = 1.0
    return power, weight


def _correlation(error: Float, lag: int, name: str, what: str) -> float:
    height, width = error.shape[:2]
    if min(height, width) <= lag:
        return NotDefined(f"{name}(lag={lag}) needs at least {lag + 1}×{lag + 1} pixels, not {height}×{width}")
    error -= error.mean(axis=(0, 1))
    found = []
    for first, second in ((error[:-lag], error[lag:]), (error[:, :-lag], error[:, lag:])):
        power = math.sqrt(float(np.sum(first * first)) * float(np.sum(second * second)))
        if power <= 1e-20 * error.size:
            return NotDefined(f"{name} needs {what} that varies")
        found.append(float(np.sum(first * second)) / power)
    return sum(found) / 2


def _smooth(plane: Float) -> Float:
    return np.asarray(cv2.GaussianBlur(plane, (13, 13), _SIGMA, borderType=cv2.BORDER_REFLECT_101), np.float64)


def _error(pair: Pair) -> Float:
    return np.subtract(pair.x, pair.y, dtype=np.float64)


def _no_residual(name: str) -> NotDefined:
    return NotDefined(f"{name} needs the noisy input, of the size of the restored picture")


def _too_small(pair: Pair, name: str, least: int) -> NotDefined:
    height, width = pair.x.shape[:2]
    return NotDefined(f"{name} needs at least {least}×{least} pixels, not {height}×{width}")
