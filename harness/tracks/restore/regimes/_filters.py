"""Blur kernels, and filtering whose float64 result is the same on every machine and thread count.

A filter is a sum of shifted pictures in a fixed order, by elementwise products and sums alone: no matrix
product, FFT or fused multiply-add, whose rounding differs from one machine to the next.
"""

from __future__ import annotations

import math

import numpy as np

from ....imaging.resample import Boundary, fold
from ._digitise import Picture


def pad(x: Picture, rows: int, columns: int, boundary: Boundary) -> Picture:
    """`x` continued by `rows` and `columns` on each side, for any amount and any size of `x`."""
    height, width = x.shape[:2]
    down = fold(np.arange(-rows, height + rows), height, boundary)
    across = fold(np.arange(-columns, width + columns), width, boundary)
    padded: Picture = x[down[:, None], across[None, :]]
    return padded


def filter_valid(x: Picture, kernel: Picture) -> Picture:
    """Correlation of (H, W, C) with a kernel (h, w), where the kernel lies inside: (H−h+1, W−w+1, C)."""
    h, w = kernel.shape
    height, width = x.shape[0] - h + 1, x.shape[1] - w + 1
    total = np.zeros((height, width, x.shape[2]))
    term = np.empty_like(total)
    for i, j in np.argwhere(kernel != 0):
        np.multiply(x[i : i + height, j : j + width], kernel[i, j], out=term)
        total += term
    return total


def filter_separable(x: Picture, taps: Picture) -> Picture:
    """`filter_valid` with the outer product of `taps` with itself, in two passes."""
    return filter_valid(filter_valid(x, taps[:, None]), taps[None, :])


def gaussian_taps(sigma: float) -> Picture:
    """A Gaussian of `sigma` pixels sampled to ±⌈4σ⌉, sum 1."""
    radius = math.ceil(4 * sigma)
    taps = np.array([math.exp(-0.5 * (i / sigma) ** 2) for i in range(-radius, radius + 1)])
    return taps / math.fsum(taps)


def box_taps(sigma: float) -> Picture:
    """The box of standard deviation `sigma`: ones, and the fraction at both ends that makes it exact."""
    variance = sigma**2
    m = math.floor((math.sqrt(12 * variance + 1) - 1) / 2)
    inside = m * (m + 1) * (2 * m + 1) / 3
    end = (variance * (2 * m + 1) - inside) / (2 * ((m + 1) ** 2 - variance))
    taps = np.array([max(end, 0.0), *[1.0] * (2 * m + 1), max(end, 0.0)])
    return taps / math.fsum(taps)


def disk_kernel(sigma: float) -> Picture:
    """A disc of radius 2σ (an out-of-focus lens), σ along each axis; a pixel by its covered area; sum 1."""
    radius, fine = 2 * sigma, 16
    reach = math.ceil(radius + 0.5)
    offsets = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    inside = offsets[:, None] ** 2 + offsets[None, :] ** 2 <= radius**2
    size = 2 * reach + 1
    covered = inside.reshape(size, fine, size, fine).sum((1, 3)).astype(np.float64)
    kernel: Picture = covered / covered.sum()
    return kernel


def motion_kernel(sigma: float, angle: float) -> Picture:
    """A straight line of length σ√12, `angle` degrees from the x axis, counter-clockwise as seen; sum 1."""
    length = sigma * math.sqrt(12)
    reach = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    steps = 64 * math.ceil(length + 1)
    dx, dy = math.cos(math.radians(angle)), -math.sin(math.radians(angle))
    for step in range(steps):
        t = ((step + 0.5) / steps - 0.5) * length
        column, row = reach + t * dx, reach + t * dy
        j, i = math.floor(column), math.floor(row)
        fj, fi = column - j, row - i
        kernel[i, j] += (1 - fi) * (1 - fj)
        kernel[i, j + 1] += (1 - fi) * fj
        kernel[i + 1, j] += fi * (1 - fj)
        kernel[i + 1, j + 1] += fi * fj
    kernel = (kernel + kernel[::-1, ::-1]) / 2  # the line is symmetric; rounding must not make it drift
    kernel[kernel < 1e-9 * kernel.max()] = 0  # dust of cos(90°), each grain of which would cost a pass
    return kernel / math.fsum(kernel.ravel())
