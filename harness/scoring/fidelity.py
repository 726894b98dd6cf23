"""Full-reference fidelity: psnr, ssim, ms_ssim, mse, mae; exact to 1e-6 of their float64 definitions."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ..errors import NotDefined
from .protocol import Array, Pair, metric
from .structure import WINDOW, mean_structure, structure_means

MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SMALLEST = (WINDOW - 1) * 2 ** (len(MS_WEIGHTS) - 1) + 1


@metric("psnr", unit="dB")
def psnr(pair: Pair) -> float:
    """Peak signal-to-noise ratio: 10·log10(peak² / MSE) over all pixels and channels; inf for equal ones."""
    if pair.x.size == 0:
        return _nothing_left()
    error = _norm(pair, cv2.NORM_L2SQR) / pair.x.size
    return math.inf if error == 0 else 10.0 * math.log10(pair.peak**2 / error)


@metric("ssim")
def ssim(pair: Pair) -> float:
    """Structural similarity (Wang et al. 2004): 11×11 Gaussian of sigma 1.5, K = (0.01, 0.03), valid region.

    Population covariance, mean over pixels and channels, no downsampling. Not defined below 11 pixels.
    """
    if min(pair.x.shape[:2]) < WINDOW:
        return _too_small(pair, "ssim", WINDOW)
    return mean_structure(pair.x, pair.y, pair.peak)


@metric("ms_ssim")
def ms_ssim(pair: Pair) -> float:
    """Multi-scale structural similarity (Wang et al. 2003): five scales, weights 0.0448 … 0.1333.

    The product over scales of the mean contrast-structure term, and of the mean SSIM at the coarsest, each to
    the power of its weight; per channel, then the mean. A mean below zero counts as zero, because a negative
    number has no such power. Between scales 2×2 averages; an odd last row or column is repeated, as in the
    authors' code. Not defined below 161 pixels.
    """
    if min(pair.x.shape[:2]) < MS_SMALLEST:
        return _too_small(pair, "ms_ssim", MS_SMALLEST)
    x, y = pair.x, pair.y
    product = np.ones(x.shape[2])
    for scale, weight in enumerate(MS_WEIGHTS, 1):
        last = scale == len(MS_WEIGHTS)
        product *= np.maximum(0.0, structure_means(x, y, pair.peak, luminance=last)) ** weight
        if not last:
            x, y = _halve(x), _halve(y)
    return float(product.mean())


@metric("mse", higher=False)
def mse(pair: Pair) -> float:
    """Mean squared error on the [0, 1] scale: in units of the data range squared."""
    if pair.x.size == 0:
        return _nothing_left()
    return _norm(pair, cv2.NORM_L2SQR) / pair.x.size / pair.peak**2


@metric("mae", higher=False)
def mae(pair: Pair) -> float:
    """Mean absolute error on the [0, 1] scale: in units of the data range."""
    if pair.x.size == 0:
        return _nothing_left()
    return _norm(pair, cv2.NORM_L1) / pair.x.size / pair.peak


def _norm(pair: Pair, kind: int) -> float:
    rows = pair.x.shape[0]
    return float(cv2.norm(pair.x.reshape(rows, -1), pair.y.reshape(rows, -1), kind))


def _halve(picture: Array) -> Array:
    """2×2 averages, float32 or float64; of 8 bit four times in a row without a rounding."""
    height, width = picture.shape[:2]
    plain = picture.astype(np.float32) if picture.dtype == np.uint8 else picture
    if height % 2 or width % 2:
        plain = np.pad(plain, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rows = plain[0::2] + plain[1::2]
    halved = rows[:, 0::2] + rows[:, 1::2]
    halved *= 0.25
    return halved


def _nothing_left() -> NotDefined:
    return NotDefined("the border of the protocol leaves no pixel")


def _too_small(pair: Pair, name: str, least: int) -> NotDefined:
    height, width = pair.x.shape[:2]
    return NotDefined(f"{name} needs at least {least}×{least} pixels, not {height}×{width}")
