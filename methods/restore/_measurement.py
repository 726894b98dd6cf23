"""The linear measurements that regimes make, holes, blur and fewer pixels, as what iterative methods need of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import noisebench as nb
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float64]
Spectrum = npt.NDArray[Any]
"""Coefficients of a picture in an orthonormal basis: real ones, or complex ones of a Fourier basis."""
_LEAST = 1 / 255
"""Noise of what was measured, where none is disclosed or less."""
_ZERO_GAIN = 1e-6
"""A gain below this is one of 0 that was rounded."""


@dataclass(frozen=True)
class Measurement:
    """y = H x + noise, of pictures that may be larger than the one that is wanted: a mirrored border is part of them.

    It is known by its singular values: H = U diag(gains) Vᴴ. `into` gives Vᴴ x, `out` V c, both orthonormal; `seen` is
    Uᴴ y, and 0 where a gain is. `share` is how many values x has for each of y, `noise` the deviation that is disclosed
    and at least 1 of 255, `start` a first guess of x, and `cut` gives the wanted part.
    """

    gains: Spectrum
    seen: Spectrum
    into: Callable[[Picture], Spectrum]
    out: Callable[[Spectrum], Picture]
    start: Picture
    share: float
    noise: float
    cut: Callable[[Picture], Picture]

    def forward(self, x: Picture) -> Spectrum:
        """Uᴴ H x: what `seen` would be without noise."""
        spectrum: Spectrum = self.gains * self.into(x)
        return spectrum

    def adjoint(self, seen: Spectrum) -> Picture:
        """Hᵀ y, of Uᴴ y."""
        return self.out(np.conj(self.gains) * seen)

    def slope(self, x: Picture) -> Picture:
        """Hᵀ (H x - y): the gradient of half the squared distance to what was measured."""
        return self.adjoint(self.forward(x) - self.seen)

    def nearest(self, x: Picture, weight: float) -> Picture:
        """The picture of least |H z - y|² + weight |z - x|²: (HᵀH + weight)⁻¹ (Hᵀy + weight x)."""
        right = np.conj(self.gains) * self.seen + weight * self.into(x)
        return self.out(right / (np.abs(self.gains) ** 2 + weight))

    def inverse(self, elsewhere: Picture, least: float = _ZERO_GAIN) -> Picture:
        """The pseudo-inverse: what was measured with a gain of at least `least`, and `elsewhere` in what was not."""
        kept = np.abs(self.gains) >= least
        return self.out(np.where(kept, self.seen / np.where(kept, self.gains, 1), self.into(elsewhere)))


def measurement(noisy: Any, info: Any, name: str) -> Measurement:
    """What `info` tells of the measurement: a mask, a kernel, a scale, or noise alone. Raises `Skip` for two at once.

    A scale is taken for `downsample` with its default kernel, bicubic, on the grid of whole pixels.
    """
    scaled = bool(info.scale) and info.scale != 1
    if (info.kernel is not None) + (info.mask is not None) + scaled > 1:
        raise nb.Skip(f"{name} takes a regime with a mask, a blur or a downsampling, not with two of them")
    if scaled:
        return _shrunk(noisy, info, name)
    if info.kernel is not None:
        return _blurred(noisy, info)
    y = noisy.astype(np.float64)
    known = np.ones((*y.shape[:2], 1)) if info.mask is None else np.asarray(info.mask, np.float64)[:, :, None]
    seen = known * y
    mean = seen.sum(axis=(0, 1)) / max(float(known.sum()), 1.0)
    return Measurement(known, seen, _same, _same, seen + (1 - known) * mean, 1.0, _noise(info), _same)


def _same(x: Picture) -> Picture:
    return x


def _noise(info: Any) -> float:
    return max(float(info.sigma or 0), _LEAST)


def _blurred(noisy: Any, info: Any) -> Measurement:
    """A blur is a product of cosine spectra where borders are mirrored, of Fourier spectra where they are periodic.

    The first holds for kernels that are symmetric in each axis. For others a picture is continued to a periodic one of
    twice the sides, on which the blur is nearly so.
    """
    from scipy.fft import dctn, fft2, idctn, ifft2

    y, kernel = noisy.astype(np.float64), np.asarray(info.kernel, np.float64)
    height, width = y.shape[:2]
    mirrored = info.boundary != "circular"
    if mirrored and np.allclose(kernel, kernel[::-1]):

        def into(x: Picture) -> Spectrum:
            spectrum: Spectrum = dctn(x, axes=(0, 1), norm="ortho")
            return spectrum

        def out(c: Spectrum) -> Picture:
            picture: Picture = idctn(c, axes=(0, 1), norm="ortho")
            return picture

        sides = [np.cos(np.outer(np.arange(n), _offsets(k)) * (np.pi / n)) for n, k in _pairs(y, kernel)]
    else:
        if mirrored:
            y = np.pad(y, ((0, height), (0, width), (0, 0)), mode="symmetric")

        def into(x: Picture) -> Spectrum:
            spectrum: Spectrum = fft2(x, axes=(0, 1), norm="ortho")
            return spectrum

        def out(c: Spectrum) -> Picture:
            picture: Picture = ifft2(c, axes=(0, 1), norm="ortho").real
            return picture

        sides = [np.exp(np.outer(np.arange(n), _offsets(k)) * (-2j * np.pi / n)) for n, k in _pairs(y, kernel)]
    gains = (sides[0] @ kernel @ sides[1].T)[:, :, None]
    return Measurement(gains, into(y), into, out, y, 1.0, _noise(info), lambda x: x[:height, :width])


def _pairs(y: Picture, kernel: Picture) -> list[tuple[int, int]]:
    return list(zip(y.shape[:2], kernel.shape, strict=True))


def _offsets(size: int) -> npt.NDArray[np.int64]:
    return np.arange(size) - size // 2


def _shrunk(noisy: Any, info: Any, name: str) -> Measurement:
    y, scale = noisy.astype(np.float64), int(info.scale)
    height, width = info.shape or (scale * y.shape[0], scale * y.shape[1])
    if scale != info.scale or y.shape[:2] != (-(-height // scale), -(-width // scale)):
        raise nb.Skip(f"{name} takes pictures made smaller by a whole factor")
    (u_rows, rows, v_rows), (u_columns, columns, v_columns) = shrinking(height, scale), shrinking(width, scale)

    def both(by_rows: Picture, x: Picture, by_columns: Picture) -> Picture:
        """by_rows x by_columnsᵀ of each channel."""
        product: Picture = np.matmul(np.matmul(by_rows, x.transpose(2, 0, 1)), by_columns.T).transpose(1, 2, 0)
        return product

    gains, seen = np.zeros((height, width, 1)), np.zeros((height, width, y.shape[2]))
    gains[: len(rows), : len(columns), 0] = np.outer(rows, columns)
    seen[: len(rows), : len(columns)] = both(u_rows.T, y, u_columns.T)
    at = Measurement(
        gains=gains,
        seen=seen,
        into=lambda x: both(v_rows.T, x, v_columns.T),
        out=lambda c: both(v_rows, c, v_columns),
        start=np.full((height, width, y.shape[2]), 0.5),
        share=height * width / (y.shape[0] * y.shape[1]),
        noise=_noise(info),
        cut=_same,
    )
    return replace(at, start=at.inverse(at.start))


@lru_cache(maxsize=16)
def shrinking(n: int, scale: int) -> tuple[Picture, Picture, Picture]:
    """U (m, m), the singular values (m,) and V (n, n) of the matrix by which n pixels become m = ⌈n/scale⌉, bicubic."""
    centre = scale * np.arange(-(-n // scale)) + (scale - 1) / 2
    near = np.floor(centre).astype(int)[:, None] + np.arange(-2 * scale, 2 * scale + 1)
    t = np.abs(near - centre[:, None]) / scale
    weights = np.where(t <= 1, (1.5 * t - 2.5) * t**2 + 1, np.where(t < 2, ((2.5 - 0.5 * t) * t - 4) * t + 2, 0))
    weights /= weights.sum(axis=1, keepdims=True)
    near %= 2 * n
    matrix = np.zeros((len(centre), n))
    np.add.at(matrix, (np.arange(len(centre))[:, None], np.minimum(near, 2 * n - 1 - near)), weights)
    u, gains, v = np.linalg.svd(matrix)
    return u, gains, v.T
