"""Resampling by a whole factor with exact float64 weights, as the literature's bicubic has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

Boundary = Literal["reflect", "circular"]
Picture = npt.NDArray[np.float64]
Resampling = Literal["bicubic", "bilinear", "area", "nearest"]


def fold(index: npt.NDArray[np.int64], n: int, boundary: Boundary) -> npt.NDArray[np.int64]:
    """Indices anywhere → 0 … n−1: periodic, or mirrored about the outer edge (dcba|abcd|dcba)."""
    if boundary == "circular":
        return index % n
    index = index % (2 * n)
    return np.where(index < n, index, 2 * n - 1 - index)


def cubic(t: float) -> float:
    """Keys' cubic convolution kernel with a = −0.5 (Keys 1981), support ±2."""
    t = abs(t)
    if t <= 1:
        return (1.5 * t - 2.5) * t * t + 1
    if t <= 2:
        return ((-0.5 * t + 2.5) * t - 4) * t + 2
    return 0.0


def triangle(t: float) -> float:
    """The linear interpolation kernel, support ±1."""
    return max(0.0, 1 - abs(t))


def weights(scale: int, kernel: Callable[[float], float], support: int) -> tuple[int, Picture]:
    """First offset and weights, sum 1, of one output pixel: the kernel stretched by `scale` (antialiasing).

    Output pixel i is centred on input coordinate scale·i + (scale−1)/2. The factor is whole, so each output
    pixel has the same weights.
    """
    centre = (scale - 1) / 2
    first = math.floor(centre - support * scale) + 1
    last = math.ceil(centre + support * scale) - 1
    taps = np.array([kernel((k - centre) / scale) for k in range(first, last + 1)])
    return first, taps / math.fsum(taps)


def shrink(x: Picture, scale: int, resampling: Resampling, top: float | None = None) -> Picture:
    """(H, W, C) → (⌈H/scale⌉, ⌈W/scale⌉, C), centres aligned, mirrored borders.

    With `top`, `x` are whole numbers on 0 … `top`, and so is what comes back: rounded half up and clipped once when
    the columns have been made shorter and again when the rows have, as `imresize` does with whole-number pictures.

    `bicubic` and `bilinear` are antialiased as MATLAB's `imresize` is. `area` is the mean of scale×scale
    blocks (of what there is of them, at the far border). `nearest` takes pixel (scale−1)//2 of each block.
    """
    for axis in (0, 1):
        x = np.moveaxis(_shrink_rows(np.moveaxis(x, axis, 0), scale, resampling), 0, axis)
        if top is not None:
            x = np.clip(np.floor(x + 0.5), 0, top)
    return x


def enlarge(x: Picture, scale: int, size: tuple[int, int]) -> Picture:
    """(h, w, C) → (*size, C) by cubic convolution, pixel i at (i + ½)/scale − ½ of `x`, mirrored borders."""
    for axis, n in enumerate(size):
        rows = np.moveaxis(x, axis, 0)
        position = (np.arange(n) + 0.5) / scale - 0.5
        first = np.floor(position).astype(np.int64)
        total = np.zeros((n, *rows.shape[1:]))
        for k in range(-1, 3):
            weight = np.array([cubic(t) for t in position - (first + k)])
            total += weight.reshape(-1, *[1] * (x.ndim - 1)) * rows[fold(first + k, len(rows), "reflect")]
        x = np.moveaxis(total, 0, axis)
    return x


def _shrink_rows(x: Picture, scale: int, resampling: Resampling) -> Picture:
    n = x.shape[0]
    start: npt.NDArray[np.int64] = scale * np.arange(-(-n // scale))
    if resampling == "nearest":
        picked: Picture = x[np.minimum(start + (scale - 1) // 2, n - 1)]
        return picked
    if resampling == "area":
        counts = np.minimum(scale, n - start).reshape(-1, *[1] * (x.ndim - 1))
        total = np.zeros((len(start), *x.shape[1:]))
        for offset in range(scale):
            inside = start + offset < n
            total[inside] += x[start[inside] + offset]
        mean: Picture = total / counts
        return mean
    first, taps = weights(scale, *((cubic, 2) if resampling == "bicubic" else (triangle, 1)))
    total = np.zeros((len(start), *x.shape[1:]))
    for k, weight in enumerate(taps):
        total += weight * x[fold(start + first + k, n, "reflect")]
    return total
