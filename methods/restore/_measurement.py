"""The linear measurements that regimes make, holes and blur, as what iterative methods need of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import noisebench as nb
import numpy as np
import numpy.typing as npt
from noisebench.methods.restore._inverse import filtered, periodic

Picture = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measurement:
    """y = H x + noise, of pictures that may be larger than the one that is wanted: a mirrored border is part of them.

    `start` is a first guess of x; `normal` is HᵀH and `back` Hᵀy; `solve(right, weight)` is
    (HᵀH + weight)⁻¹ right; `cut` gives the wanted part.
    """

    start: Picture
    normal: Callable[[Picture], Picture]
    back: Picture
    solve: Callable[[Picture, float], Picture]
    cut: Callable[[Picture], Picture]


def measurement(noisy: Any, info: Any, name: str) -> Measurement:
    """What `info` tells of the measurement: a mask, a kernel, or noise alone. Raises `Skip` for one that it cannot."""
    if info.scale and info.scale != 1:
        raise nb.Skip(f"{name} takes holes, blur and noise, not pictures that were made smaller")
    if info.kernel is not None and info.mask is not None:
        raise nb.Skip(f"{name} takes holes or blur, not both at once")
    if info.kernel is not None:
        return _blurred(noisy, info)
    y = noisy.astype(np.float64)
    known = np.ones((*y.shape[:2], 1)) if info.mask is None else np.asarray(info.mask, np.float64)[:, :, None]
    seen = known * y
    mean = seen.sum(axis=(0, 1)) / max(float(known.sum()), 1.0)
    return Measurement(
        start=seen + (1 - known) * mean,
        normal=lambda x: known * x,
        back=seen,
        solve=lambda right, weight: right / (known + weight),
        cut=lambda x: x,
    )


def _blurred(noisy: Any, info: Any) -> Measurement:
    y, height, width, transfer = periodic(noisy, info)
    power = np.abs(transfer) ** 2
    return Measurement(
        start=y,
        normal=lambda x: filtered(x, power),
        back=filtered(y, np.conj(transfer)),
        solve=lambda right, weight: filtered(right, 1 / (power + weight)),
        cut=lambda x: x[:height, :width],
    )


def denoiser_of(inner: nb.Restorer) -> Callable[[Picture, float], Picture]:
    """(picture, deviation of its noise) → without the noise, by a method that is told the deviation alone."""

    def denoised(x: Picture, sigma: float) -> Picture:
        told = nb.Info({"shape": x.shape[:2], "sigma": float(sigma)})
        made: Picture = inner.restore(np.ascontiguousarray(x, np.float32), told).astype(np.float64)
        return made

    return denoised
