"""The Tukey-lambda distribution, scaled to variance 1."""

from __future__ import annotations

import math

import numpy as np

from ._digitise import Picture

_LOGISTIC = 1e-4
"""Nearer to 0 than this, λ gives the logistic distribution, which is the limit; the formulas cancel there."""


def tukey_variance(shape: float) -> float:
    """Of the distribution with the quantile function (u^λ - (1 - u)^λ) / λ, λ = `shape` > -1/2."""
    if abs(shape) < _LOGISTIC:
        return math.pi**2 / 3
    return 2 / shape**2 * (1 / (1 + 2 * shape) - math.gamma(1 + shape) ** 2 / math.gamma(2 + 2 * shape))


def tukey(rng: np.random.Generator, size: tuple[int, ...], shape: float) -> Picture:
    """Draws of the Tukey-lambda distribution with λ = `shape`, scaled to variance 1."""
    u: Picture = np.maximum(rng.random(size), 2.0**-54)  # 0 is at infinity, as is 1, which is never drawn
    if abs(shape) < _LOGISTIC:
        return np.log(u / (1 - u)) * (math.sqrt(3) / math.pi)
    variance = tukey_variance(shape)
    draws: Picture = (u**shape - (1 - u) ** shape) / (shape * math.sqrt(variance))
    return draws
