from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._clean import clean_of
from noisebench.methods.restore._measurement import measurement

_MOST_PIXELS = 4096
_ROUNDING = 1e-6
"""Noise where there is none: that of float32."""


@nb.method("bayes_inverse", layout="hwc", oracle=True, role="optimum")
def bayes_inverse(noisy: Any, info: Any) -> Any:
    """The least mean squared error that is possible of holes, blur and fewer pixels, on sets whose law is known.

    float32 (H, W, C) → the same, or as large as is wanted: the exact posterior mean, for white Gaussian noise of the
    sigma that is disclosed, or none. Reads the law of the set and not the picture: `spectrum` and `mean` of a Gaussian
    field, or `weights`, `means` and `covariances` of a mixture. Skips where none applies, where there is other noise,
    for `downsample` with another kernel than bicubic, and for pictures of more than 4096 pixels. For noise alone see
    `bayes_optimum`.
    """
    clean = clean_of(info)
    law = _law(info.sample.meta)
    if not any(name in info for name in ("mask", "kernel")) and info.scale in (None, 1):
        raise nb.Skip("holes, blur or fewer pixels are due: for noise alone take bayes_optimum")
    if any(name in info for name in ("peak", "looks", "p")):
        raise nb.Skip("the optimum is known for white Gaussian noise only")
    if clean.shape[0] * clean.shape[1] > _MOST_PIXELS:
        raise nb.Skip(f"the optimum is computed for up to {_MOST_PIXELS} pixels")
    at = measurement(noisy, info, "bayes_inverse")
    sigma = max(float(info.sigma or 0), _ROUNDING)
    off = at.seen - at.forward(clean)
    noise = at.out(off) if np.iscomplexobj(off) else off[np.abs(at.gains[..., 0]) > 0]
    if at.start.shape != clean.shape or not _is_white_gaussian(noise, sigma):
        raise nb.Skip(
            "the optimum is known for white Gaussian noise on exactly what mask, blur or bicubic downsample leave"
        )
    pixels = clean.shape[0] * clean.shape[1]
    # What was measured, back in the plane of pixels, where it is real: the same noise, and rows that tell nothing.
    units = np.eye(pixels).reshape(*clean.shape[:2], pixels)
    forward = at.out(at.forward(units)).reshape(pixels, pixels)
    seen = at.out(at.seen).reshape(pixels, -1)
    planes = [_posterior_mean(one, forward, law, sigma) for one in seen.T]
    return np.stack(planes, axis=-1).reshape(clean.shape).astype(np.float32)


def _law(meta: Any) -> tuple[Any, Any, Any]:
    """Weights (K,), means (K, D) and covariances (K, D, D). Raises `Skip` where a set has none."""
    if "covariances" in meta:
        weights, means, covariances = (
            np.asarray(meta[name], np.float64) for name in ("weights", "means", "covariances")
        )
        return weights, means.reshape(len(means), -1), covariances
    if "spectrum" not in meta:
        raise nb.Skip(
            "the optimum is known for synthetic data only (gaussian_field, gaussian_mixture, gaussian_digits)"
        )
    spectrum = np.asarray(meta["spectrum"], np.float64)
    height, width = spectrum.shape
    if height * width > _MOST_PIXELS:
        raise nb.Skip(f"the optimum is computed for up to {_MOST_PIXELS} pixels")
    row = np.fft.ifft2(spectrum).real
    down, across = ((np.arange(n)[:, None] - np.arange(n)) % n for n in (height, width))
    covariance = row[down[:, None, :, None], across[None, :, None, :]].reshape(1, height * width, height * width)
    return np.ones(1), np.full((1, height * width), float(meta["mean"])), covariance


def _posterior_mean(seen: Any, forward: Any, law: tuple[Any, Any, Any], sigma: float) -> Any:
    logs, means = [], []
    for weight, mean, covariance in zip(*law, strict=True):
        off = seen - forward @ mean
        cross = covariance @ forward.T
        factor = np.linalg.cholesky(forward @ cross + sigma**2 * np.eye(off.size))
        white = np.linalg.solve(factor, off)
        logs.append(np.log(weight) - 0.5 * white @ white - np.log(np.diag(factor)).sum())
        means.append(mean + cross @ np.linalg.solve(factor.T, white))
    shares = np.exp(np.array(logs) - max(logs))
    return shares @ np.array(means) / shares.sum()


def _is_white_gaussian(noise: Any, sigma: float) -> bool:
    """Whether second and fourth moment and the correlation of neighbours agree with N(0, sigma²) within 6 errors."""
    if sigma <= _ROUNDING:
        return bool(np.sqrt(np.mean(noise**2)) < 5 * _ROUNDING)
    z = noise.reshape(-1, noise.shape[-1]) / sigma
    statistics = (np.mean(z**2) - 1) / np.sqrt(2), (np.mean(z**4) - 3) / np.sqrt(96), np.mean(z[1:] * z[:-1])
    return bool(np.abs(statistics).max() * np.sqrt(z.size) < 6)
