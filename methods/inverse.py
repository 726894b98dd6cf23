"""Classical inverses of known operators: upsampling, inpainting, deblurring, and the undoing of JPEG."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.classical import noise_sigma, per_channel, recompress


@nb.method("bicubic", layout="hwc", needs=("scale",), blind=True, cite="Keys 1981")
def bicubic(noisy: Any, info: Any) -> Any:
    """Cubic convolution with a = −0.5 (Keys 1981), the "bicubic" row of the super-resolution literature."""

    def keys(t: Any) -> Any:
        t = np.abs(t)
        near, far = (1.5 * t - 2.5) * t**2 + 1, ((2.5 - 0.5 * t) * t - 4) * t + 2
        return np.where(t <= 1, near, np.where(t < 2, far, 0))

    return _enlarge(noisy, info, keys, 2)


@nb.method("lanczos", layout="hwc", needs=("scale",), blind=True, cite="Duchon 1979")
def lanczos(noisy: Any, info: Any, *, lobes: int = 3) -> Any:
    """Windowed sinc of three `lobes` (Duchon 1979), sharper than `bicubic`."""

    def windowed(t: Any) -> Any:
        return np.where(np.abs(t) < lobes, np.sinc(t) * np.sinc(t / lobes), 0)

    return _enlarge(noisy, info, windowed, lobes)


def _enlarge(noisy: Any, info: Any, kernel: Any, support: int) -> Any:
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


@nb.method("telea", layout="hwc", needs=("mask",), blind=True, cite="Telea 2004")
def telea(noisy: Any, info: Any, *, radius: int = 3) -> Any:
    """Fast marching inpainting (Telea 2004) of the pixels where the mask is 0; known pixels stay."""
    import cv2

    missing = np.asarray(info.mask) <= 0
    if missing.all() or not missing.any():
        return noisy
    byte = missing.astype(np.uint8)

    def fill(plane: Any) -> Any:
        # OpenCV takes gradients across missing pixels too: what is hidden there must not leak into the result.
        plane = np.where(missing, plane[~missing].mean(), plane)
        # Its float path works with absolute steps of about 1, so that [0, 1] itself comes out as noise.
        return cv2.inpaint(plane * 65535, byte, radius, cv2.INPAINT_TELEA) / 65535

    return np.where(missing[:, :, None], per_channel(fill, noisy), noisy).astype(np.float32)


@nb.method("biharmonic", layout="hwc", needs=("mask",), blind=True, cite="Damelin & Hoang 2018")
def biharmonic(noisy: Any, info: Any) -> Any:
    """The smoothest surface (Δ²u = 0) through the known pixels, by scikit-image's sparse solver.

    0.2 s for half of 256×256 grey pixels; the time grows a little faster than the number of missing pixels.
    """
    from skimage.restoration import inpaint_biharmonic

    missing = np.asarray(info.mask) <= 0
    if missing.all() or not missing.any():
        return noisy
    filled = inpaint_biharmonic(noisy.astype(np.float64), missing, channel_axis=2)
    return np.where(missing[:, :, None], filled, noisy).astype(np.float32)


@nb.method("richardson_lucy", layout="hwc", needs=("kernel",), cite="Richardson 1972; Lucy 1974; Morozov 1966")
def richardson_lucy(noisy: Any, info: Any, *, iterations: int = 50) -> Any:
    """Richardson–Lucy deconvolution, stopped before it fits the noise: at most `iterations` steps.

    The stop is Morozov's discrepancy principle (1966): once the blurred estimate is within sigma of y.
    """
    y, height, width, transfer = _periodic(noisy, info)
    y = np.maximum(y, 0)
    # A quarter of a grey level of 8 bits: keeps the quotient finite in the black.
    least = 1e-3
    variance = noise_sigma(noisy, info) ** 2
    x = np.maximum(y, least)
    for _ in range(iterations):
        blurred = _filter(x, transfer)
        if np.mean(np.square(blurred - y)) <= variance:
            break
        x = np.maximum(x * _filter(y / np.maximum(blurred, least), np.conj(transfer)), 0)
    return x[:height, :width].astype(np.float32)


@nb.method("wiener_deconv", layout="hwc", needs=("kernel",), cite="Wiener 1949; Field 1987; Stein 1981")
def wiener_deconv(noisy: Any, info: Any) -> Any:
    """Wiener deconvolution with the power spectrum of natural pictures, c/|f|² (Field 1987).

    c has the least unbiased estimate (Stein 1981) of the risk of the picture blurred again, in steps of 2. A
    noise below the rounding error of 8 bits is taken to be that.
    """
    y, height, width, transfer = _periodic(noisy, info)
    variance = max(noise_sigma(noisy, info), 1 / (255 * np.sqrt(12))) ** 2
    f = np.hypot(np.fft.fftfreq(y.shape[0])[:, None], np.fft.rfftfreq(y.shape[1])[None, :])[:, :, None]
    f[0, 0] = 1 / max(y.shape[:2])
    mean = y.mean(axis=(0, 1))
    # Of a real picture rfft2 holds half the plane: all but the first column stand for two (Nyquist's, for one).
    power = np.abs(np.fft.rfft2(y - mean, axes=(0, 1))) ** 2
    twice = np.where(np.arange(f.shape[1]) * 2 % y.shape[1] == 0, 1.0, 2.0)[:, None] / (y.shape[0] * y.shape[1])
    passed = np.abs(transfer) ** 2
    best, least = np.zeros_like(transfer), np.inf
    for c in 2.0 ** np.arange(-24, 1):
        shrink = passed / (passed + variance / c * f**2)
        fit = np.sum(np.square(1 - shrink) * power * twice) / y.size
        risk = fit + 2 * variance * np.sum(shrink * twice)
        if risk < least:
            best, least = np.conj(transfer) / (passed + variance / c * f**2), risk
    return (mean + _filter(y - mean, best))[:height, :width].astype(np.float32)


def _periodic(noisy: Any, info: Any) -> tuple[Any, int, int, Any]:
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


def _filter(x: Any, transfer: Any) -> Any:
    from scipy.fft import irfft2, rfft2

    return irfft2(rfft2(x, axes=(0, 1)) * transfer, s=x.shape[:2], axes=(0, 1))


@nb.method("jpeg_reapply", layout="hwc", needs=("quality",), cite="Nosratinia 2001")
def jpeg_reapply(noisy: Any, info: Any) -> Any:
    """Undo the blocks of a JPEG: the mean of 64 more of the same quality, one for each shift of the grid.

    Nosratinia (2001), "Enhancement of JPEG-compressed images by re-application of JPEG".
    """
    total = np.zeros(noisy.shape, np.float64)
    for down in range(8):
        for right in range(8):
            total += recompress(noisy, info.quality, down, right)
    return (total / 64).astype(np.float32)
