from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import YIQ, planes_of, problem_of

FSIM_SMALLEST = 16
_SCALES, _TURNS, _SHORTEST, _BANDWIDTH = 4, 4, 6.0, 0.55
_SPREAD = np.pi / _TURNS / 1.2
_T_PHASE, _T_GRADIENT, _T_CHROMA, _CHROMA = 0.85, 160.0, 200.0, 0.03


@metric("fsim", title="FSIM")
def fsim(pair: Pair) -> float:
    """Feature similarity, at most 1: phase congruency and gradient, and chroma in colour (Zhang et al. 2011).

    As in the authors' code: means of k×k at every k-th pixel, k the smaller side over 256; phase congruency by log-
    Gabor filters of 4 scales from wavelength 6 and 4 orientations (Kovesi 1999), its noise threshold by the median;
    the Scharr gradient; similarities (2 a b + T) / (a² + b² + T) with T = 0.85 and 160, weighted by the larger
    congruency. Colour is FSIMc: I and Q of YIQ, T = 200, to the power 0.03. A flat picture has congruency 0, where
    the authors divide 0 by 0: against a picture with features the score is low and the same either way round, and
    two flat ones have none. Not defined below 16 pixels.
    """
    problem = problem_of(pair, "fsim", FSIM_SMALLEST)
    if problem is not None:
        return problem
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
