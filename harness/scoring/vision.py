"""Metrics modelled on human vision, without weights: psnr_hvs (contrast sensitivity), fsim (phase congruency).

Pictures of 1 or 3 channels, on the scale 0–255 of the papers whatever the protocol, in float64. Where a paper is
about grey pictures, colour becomes luma, 0.299 R + 0.587 G + 0.114 B, not rounded.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from ..errors import NotDefined
from .perceptual import YIQ, lumas_of, planes_of, problem_of
from .protocol import Pair, metric

Float = npt.NDArray[np.float64]

_JPEG = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
], np.float64)  # fmt: skip
"""The luminance table of the JPEG standard (K.1): thresholds of visibility of the 8×8 cosines."""
_SENSITIVITY = np.round(25.73509 / _JPEG, 6)  # the digits of the authors
_MASKING = np.round((10.0 / _JPEG) ** 2, 6)
_COSINES = np.sqrt(0.25) * np.cos(np.pi * np.outer(np.arange(8), 2 * np.arange(8) + 1) / 16)
_COSINES[0] = np.sqrt(0.125)

FSIM_SMALLEST = 16
_SCALES, _TURNS, _SHORTEST, _BANDWIDTH = 4, 4, 6.0, 0.55
_SPREAD = np.pi / _TURNS / 1.2
_T_PHASE, _T_GRADIENT, _T_CHROMA, _CHROMA = 0.85, 160.0, 200.0, 0.03


@metric("psnr_hvs", unit="dB")
def psnr_hvs(pair: Pair, *, masked: bool = False) -> float:
    """PSNR of luma with cosines weighed by how well the eye sees them; inf for equal ones (Egiazarian et al. 2006).

    10·log10(255² / mean of (c · D)²), D the orthonormal DCT of the error in 8×8 blocks side by side, c the
    sensitivities of the authors' code, which are 25.735 over the JPEG luminance table; what is left of a block at
    the right and below is cut off. `masked` is PSNR-HVS-M (Ponomarenko et al. 2007): errors below what the
    texture of the block hides do not count, and others count less by it. Not defined below 8 pixels.
    """
    both = lumas_of(pair, "psnr_hvs", 8)
    if isinstance(both, NotDefined):
        return both
    x, y = (p[: p.shape[0] // 8 * 8, : p.shape[1] // 8 * 8] for p in both)
    if masked:
        first, second = _cosines(x), _cosines(y)
        error = np.abs(first - second)
        hidden = np.maximum(_hidden(first, x), _hidden(second, y))[:, None, :, None] / _MASKING[:, None, :]
        hidden[:, 0, :, 0] = 0  # the mean of a block is never hidden
        error = np.maximum(error - hidden, 0)
    else:
        error = _cosines(x - y)
    error *= _SENSITIVITY[:, None, :]
    mean = float(np.square(error, out=error).mean())
    return math.inf if mean == 0 else 10 * math.log10(255.0**2 / mean)


def _cosines(plane: Float) -> Float:
    """The DCT of 8×8 blocks: (H/8, 8 down, W/8, 8 across)."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    down = np.matmul(_COSINES, plane.reshape(rows, 8, -1))
    return np.asarray(np.matmul(down.reshape(-1, 8), _COSINES.T).reshape(rows, 8, columns, 8))


def _hidden(cosines: Float, plane: Float) -> Float:
    """How much of an error the texture of each block hides, (H/8, W/8): the smaller, the more edges it has."""
    power = np.einsum("aibj,ij->ab", np.square(cosines), np.where(np.arange(64).reshape(8, 8) > 0, _MASKING, 0))
    whole, quarters = _variation(plane, 8), _variation(plane, 4)
    rows, columns = whole.shape
    quarters = quarters.reshape(rows, 2, columns, 2).sum(axis=(1, 3))
    ratio = np.divide(quarters, whole, out=np.zeros_like(whole), where=whole > 0)
    return np.asarray(np.sqrt(power * ratio) / 32)


def _variation(plane: Float, side: int) -> Float:
    """The unbiased variance of each block times the number of its pixels."""
    blocks = plane.reshape(plane.shape[0] // side, side, plane.shape[1] // side, side)
    centred = blocks - blocks.mean(axis=(1, 3), keepdims=True)
    count = side * side
    return np.asarray(np.square(centred).sum(axis=(1, 3)) * (count / (count - 1)))


@metric("fsim")
def fsim(pair: Pair) -> float:
    """Feature similarity, at most 1: phase congruency and gradient, and chroma in colour (Zhang et al. 2011).

    As in the authors' code: means of k×k at every k-th pixel, k the smaller side over 256; phase congruency by log-
    Gabor filters of 4 scales from wavelength 6 and 4 orientations (Kovesi 1999), its noise threshold by the median;
    the Scharr gradient; similarities (2 a b + T) / (a² + b² + T) with T = 0.85 and 160, weighted by the larger
    congruency. Colour is FSIMc: I and Q of YIQ, T = 200, to the power 0.03. Not defined below 16 pixels.
    """
    found = problem_of(pair, "fsim", FSIM_SMALLEST)
    if found is not None:
        return found
    first, second = ([_reduced(p) for p in planes_of(q, pair.peak, YIQ[: q.shape[2]])] for q in (pair.x, pair.y))
    phases = _congruency(first[0]), _congruency(second[0])
    similar = _alike(*phases, _T_PHASE) * _alike(_gradient(first[0]), _gradient(second[0]), _T_GRADIENT)
    if len(first) == 3:
        chroma = _alike(first[1], second[1], _T_CHROMA) * _alike(first[2], second[2], _T_CHROMA)
        # The real part of a power of a negative number, as in the authors' code.
        similar *= np.abs(chroma) ** _CHROMA * np.where(chroma < 0, math.cos(math.pi * _CHROMA), 1.0)
    weight = np.maximum(*phases)
    total = float(weight.sum())
    return float((similar * weight).sum()) / total if total > 0 else NotDefined("fsim needs pictures with features")


def _alike(x: Float, y: Float, t: float) -> Float:
    return (2 * x * y + t) / (x * x + y * y + t)


def _reduced(plane: Float) -> Float:
    """Means of k×k at every k-th pixel, zero outside; the window is that of MATLAB's `same`."""
    side = max(1, math.floor(min(plane.shape) / 256 + 0.5))
    if side == 1:
        return plane
    # A mean of an even window reaches one pixel further right and down.
    means = cv2.boxFilter(
        plane, cv2.CV_64F, (side, side), anchor=((side - 1) // 2,) * 2, borderType=cv2.BORDER_CONSTANT
    )
    return np.ascontiguousarray(means[::side, ::side], np.float64)


def _gradient(plane: Float) -> Float:
    slope, smooth = np.array([-1.0, 0.0, 1.0]), np.array([3.0, 10.0, 3.0]) / 16
    across, down = (
        np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, kx, ky, borderType=cv2.BORDER_CONSTANT), np.float64)
        for kx, ky in ((slope, smooth), (smooth, slope))
    )
    return np.asarray(np.hypot(across, down))


def _congruency(plane: Float) -> Float:
    """Phase congruency, 0 to 1, from log-Gabor filters of all orientations together (Kovesi 1999)."""
    from scipy import fft

    filters, power, spread = _log_gabor(plane.shape)
    spectrum = fft.fft2(plane)
    energy, total = np.zeros(plane.shape), np.zeros(plane.shape)
    for turn in range(_TURNS):
        responses = [fft.ifft2(spectrum * filters[turn, scale]) for scale in range(_SCALES)]
        sizes = [np.abs(r) for r in responses]
        together = np.sum(responses, axis=0)
        direction = np.conj(together) / (np.abs(together) + 1e-4)
        local = -_noise(sizes[0], power[turn], spread[turn])
        for response in responses:
            turned = response * direction
            local = local + turned.real - np.abs(turned.imag)
        energy += np.maximum(local, 0)
        total += np.sum(sizes, axis=0)
    return np.divide(energy, total, out=energy, where=total > 0)


def _noise(finest: Float, power: float, spread: float) -> float:
    """The energy that noise alone may reach: mean and 2 deviations of its Rayleigh distribution, over 1.7."""
    level = float(np.median(finest * finest)) / math.log(2) / power
    tau = math.sqrt(level * spread)
    return (tau * math.sqrt(math.pi / 2) + 2 * math.sqrt((2 - math.pi / 2) * tau * tau)) / 1.7


@lru_cache(maxsize=2)
def _log_gabor(shape: tuple[int, int]) -> tuple[Float, Float, Float]:
    """Filters (orientation, scale, H, W) by frequency; power of the finest and what noise of unit power sums to."""
    from scipy import fft

    down, across = (_frequencies(side) for side in shape)
    radius = np.hypot(down[:, None], across)
    angle = np.arctan2(-down[:, None], across)
    low = 1 / (1 + (radius / 0.45) ** 30)
    radius[0, 0] = 1
    filters = np.empty((_TURNS, _SCALES, *shape))
    for turn in range(_TURNS):
        gap = angle - turn * np.pi / _TURNS
        away = np.abs(np.arctan2(np.sin(gap), np.cos(gap)))
        for scale in range(_SCALES):
            ratio = np.log(radius * _SHORTEST * 2**scale) / math.log(_BANDWIDTH)
            filters[turn, scale] = np.exp(-(ratio**2) / 2) * low * np.exp(-(away**2) / (2 * _SPREAD**2))
            filters[turn, scale, 0, 0] = 0
    power = np.square(filters[:, 0]).sum(axis=(1, 2))
    spread = np.empty(_TURNS)
    for turn in range(_TURNS):
        kernels = fft.ifft2(filters[turn]).real * math.sqrt(shape[0] * shape[1])
        # Σ aᵢ² + 2 Σ aᵢ aⱼ over pairs is the square of the sum.
        spread[turn] = float(np.square(kernels.sum(axis=0)).sum())
    return filters, power, spread


def _frequencies(side: int) -> Float:
    """As the authors have them: an odd side reaches from −1/2 to 1/2."""
    if side % 2:
        half = (side - 1) // 2
        return np.asarray(np.fft.ifftshift(np.arange(-half, half + 1) / (side - 1)), np.float64)
    return np.asarray(np.fft.fftfreq(side), np.float64)
