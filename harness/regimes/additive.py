"""Additive noise and impulses. `sigma` and `width` are on the 0–255 scale; what is disclosed is on [0, 1]."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from annotated_types import Gt, Le

from ..errors import UsageError
from .degrade import regime
from .digitise import Bits, Degraded, Picture, Probability, Sigma, digitise
from .filters import filter_separable, gaussian_taps


@regime("gaussian", discloses=("sigma",))
def gaussian(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White Gaussian noise of standard deviation sigma, the same for each value."""
    s = sigma / 255
    y, depth = digitise(x + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"sigma": s, **depth}


@regime("gaussian_range", discloses=("sigma",))
def gaussian_range(
    x: Picture,
    rng: np.random.Generator,
    *,
    low: Sigma,
    high: Sigma,
    disclose: bool = False,
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """White Gaussian noise; sigma is drawn per picture, uniform on [low, high], and told only if disclose."""
    if low > high:
        raise UsageError(f"regime 'gaussian_range': low={low:g} is above high={high:g}; exchange them")
    s = (low + (high - low) * rng.random()) / 255
    y, depth = digitise(x + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"sigma": s if disclose else None, **depth}


@regime("laplace", discloses=("sigma",))
def laplace(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White Laplace noise (heavy tails) of standard deviation sigma."""
    s = sigma / 255
    y, depth = digitise(x + (s / math.sqrt(2)) * rng.laplace(size=x.shape), clip, bits)
    return y, {"sigma": s, **depth}


@regime("uniform", discloses=("sigma",))
def uniform(
    x: Picture, rng: np.random.Generator, *, width: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White noise uniform on ±width/2; its standard deviation width/√12 is disclosed."""
    w = width / 255
    y, depth = digitise(x + w * (rng.random(x.shape) - 0.5), clip, bits)
    return y, {"sigma": w / math.sqrt(12), **depth}


@regime("salt_pepper", discloses=("p",))
def salt_pepper(x: Picture, rng: np.random.Generator, *, p: Probability) -> Degraded:
    """Each value, independently in each channel, becomes 0 or 1 with probability p/2 each."""
    u = rng.random(x.shape)
    return np.where(u < p / 2, 0.0, np.where(u < p, 1.0, x)), {"p": p}


@regime("impulse", discloses=("p",))
def impulse(x: Picture, rng: np.random.Generator, *, p: Probability) -> Degraded:
    """Each value, independently in each channel, becomes uniform on [0, 1] with probability p."""
    hit = rng.random(x.shape) < p
    return np.where(hit, rng.random(x.shape), x), {"p": p}


@regime("mixture", discloses=("sigma",))
def mixture(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigmas: tuple[Sigma, ...],
    weights: tuple[Probability, ...],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Gaussian noise whose sigma is drawn per value from sigmas with probabilities weights.

    The overall standard deviation is disclosed.
    """
    if not sigmas or len(sigmas) != len(weights):
        raise UsageError(
            f"regime 'mixture': {len(sigmas)} sigmas and {len(weights)} weights; give a weight to each sigma"
        )
    if abs(math.fsum(weights) - 1) > 1e-9:
        raise UsageError(f"regime 'mixture': weights add up to {math.fsum(weights):g}; they must add up to 1")
    scales = np.array(sigmas) / 255
    edges = np.array([math.fsum(weights[: i + 1]) for i in range(len(weights) - 1)])
    which = np.searchsorted(edges, rng.random(x.shape), side="right")
    y, depth = digitise(x + scales[which] * rng.standard_normal(x.shape), clip, bits)
    overall = math.sqrt(math.fsum(w * (s / 255) ** 2 for w, s in zip(weights, sigmas, strict=True)))
    return y, {"sigma": overall, **depth}


@regime("correlated", discloses=("sigma",))
def correlated(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Sigma,
    radius: Annotated[float, Gt(0), Le(64)],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """White noise filtered by a Gaussian of radius pixels, each value of standard deviation sigma exactly.

    The white field is drawn larger than the picture by the reach of the filter, so that the noise is
    stationary up to the border and opposite borders are independent. Channels are independent.
    """
    s = sigma / 255
    taps = gaussian_taps(radius)
    unit = taps / math.sqrt(math.fsum(taps**2))
    height, width, channels = x.shape
    field = rng.standard_normal((height + len(taps) - 1, width + len(taps) - 1, channels))
    y, depth = digitise(x + s * filter_separable(field, unit), clip, bits)
    return y, {"sigma": s, **depth}


@regime("stripes", discloses=("sigma",))
def stripes(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Sigma,
    axis: Literal["row", "column"] = "row",
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """One Gaussian offset of standard deviation sigma for each row (or column) and channel."""
    s = sigma / 255
    height, width, channels = x.shape
    shape = (height, 1, channels) if axis == "row" else (1, width, channels)
    y, depth = digitise(x + s * rng.standard_normal(shape), clip, bits)
    return y, {"sigma": s, **depth}
