"""Classical inverses of known operators: upsampling, inpainting, deblurring, and the undoing of JPEG."""

from __future__ import annotations

from typing import Any

import numpy as np


def enlarge(noisy: Any, info: Any, kernel: Any, support: int) -> Any:
    """Interpolate to `info.shape`, pixel i at (i + ½)/scale − ½ of the input, whose borders are mirrored."""
    scale = float(info.scale)
    height, width = info.shape or (round(noisy.shape[0] * scale), round(noisy.shape[1] * scale))
    x = noisy.astype(np.float64)
    for axis, size in enumerate((height, width)):
        rows = np.moveaxis(x, axis, 0)
        matrix = _interpolation(rows.shape[0], size, scale, kernel, support)
        mixed = matrix @ rows.reshape(rows.shape[0], -1)
        x = np.moveaxis(mixed.reshape(size, *rows.shape[1:]), 0, axis)
    return np.ascontiguousarray(x, dtype=np.float32)


def _interpolation(n: int, size: int, scale: float, kernel: Any, support: int) -> Any:
    """The sparse (size, n) matrix of a one-dimensional interpolation; rows sum to 1."""
    from scipy.sparse import csr_array

    position = (np.arange(size) + 0.5) / scale - 0.5
    source = np.floor(position).astype(int)[:, None] + np.arange(1 - support, support + 1)
    weight = kernel(position[:, None] - source)
    weight /= weight.sum(axis=1, keepdims=True)
    source %= 2 * n
    source = np.minimum(source, 2 * n - 1 - source)
    target = np.repeat(np.arange(size), 2 * support)
    return csr_array((weight.ravel(), (target, source.ravel())), shape=(size, n))


def periodic(noisy: Any, info: Any) -> tuple[Any, int, int, Any]:
    """The picture continued to a periodic one, its own height and width, and the kernel's transfer function.

    A mirrored border (dcba|abcd|dcba, the default) becomes a torus of twice the sides, on which the blur is
    a product of spectra, exactly so for kernels that are symmetric in each axis.
    """
    height, width = noisy.shape[:2]
    y = noisy.astype(np.float64)
    if info.boundary != "circular":
        y = np.pad(y, ((0, height), (0, width), (0, 0)), mode="symmetric")
    kernel = np.asarray(info.kernel, np.float64)
    spread = np.zeros(y.shape[:2])
    rows, columns = (np.arange(k) - k // 2 for k in kernel.shape)
    np.add.at(spread, (rows[:, None] % y.shape[0], columns[None, :] % y.shape[1]), kernel)
    return y, height, width, np.fft.rfft2(spread)[:, :, None]


def filtered(x: Any, transfer: Any) -> Any:
    from scipy.fft import irfft2, rfft2

    return irfft2(rfft2(x, axes=(0, 1)) * transfer, s=x.shape[:2], axes=(0, 1))
