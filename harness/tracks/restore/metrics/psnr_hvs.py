from __future__ import annotations

import math

import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import lumas_of

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


@metric("psnr_hvs", title="PSNR-HVS", unit="dB", decimals=2)
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
