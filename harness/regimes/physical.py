"""Noise that depends on the signal: counting, speckle, magnitude and sensor noise.

A picture that an earlier part of a chain drove below 0 counts as 0 where light is counted.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from .degrade import regime
from .digitise import Bits, Degraded, Peak, Picture, Sigma, digitise


@regime("poisson", discloses=("peak",))
def poisson(
    x: Picture, rng: np.random.Generator, *, peak: Peak, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """Counts at a peak: y = Poisson(peak·x) / peak, of mean x and variance x/peak."""
    y, depth = digitise(rng.poisson(np.maximum(x, 0) * peak) / peak, clip, bits)
    return y, {"peak": peak, **depth}


@regime("poisson_gaussian", discloses=("peak", "sigma"))
def poisson_gaussian(
    x: Picture,
    rng: np.random.Generator,
    *,
    peak: Peak,
    sigma: Sigma,
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Counts at a peak plus Gaussian read noise of sigma: variance x/peak + sigma².

    The `sigma` disclosed is that of the read noise alone.
    """
    s = sigma / 255
    counts = rng.poisson(np.maximum(x, 0) * peak) / peak
    y, depth = digitise(counts + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"peak": peak, "sigma": s, **depth}


@regime("gamma", discloses=("looks", "speckle"))
def gamma(
    x: Picture,
    rng: np.random.Generator,
    *,
    looks: Annotated[float, Ge(0.01), Le(1e6)],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Speckle of an intensity picture: y = x·g, g Gamma of mean 1 and variance 1/looks.

    `speckle` is the standard deviation of g.
    """
    y, depth = digitise(x * (rng.standard_gamma(looks, x.shape) / looks), clip, bits)
    return y, {"looks": looks, "speckle": 1 / math.sqrt(looks), **depth}


@regime("rayleigh", discloses=("speckle",))
def rayleigh(x: Picture, rng: np.random.Generator, *, clip: bool = False, bits: Bits | None = None) -> Degraded:
    """Speckle of a one-look amplitude picture: y = x·r, r Rayleigh of mean 1 and variance 4/π − 1.

    `looks` is not disclosed: it would stand for Gamma speckle. `speckle` is the standard deviation of r.
    """
    y, depth = digitise(x * (math.sqrt(2 / math.pi) * rng.rayleigh(size=x.shape)), clip, bits)
    return y, {"speckle": math.sqrt(4 / math.pi - 1), **depth}


@regime("rician", discloses=("sigma",))
def rician(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """Magnitude of a complex signal (MRI): y = |x + n₁ + i·n₂|, each n Gaussian of sigma.

    Its mean square is x² + 2·sigma².
    """
    s = sigma / 255
    real = x + s * rng.standard_normal(x.shape)
    imaginary = s * rng.standard_normal(x.shape)
    y, depth = digitise(np.sqrt(real * real + imaginary * imaginary), clip, bits)
    return y, {"sigma": s, **depth}


@regime("sensor", discloses=("peak", "sigma", "iso", "ratio", "bit_depth"))
def sensor(
    x: Picture,
    rng: np.random.Generator,
    *,
    iso: Annotated[float, Ge(1), Le(1e7)],
    ratio: Annotated[float, Ge(1), Le(1e4)] = 1.0,
    full_well: Annotated[float, Gt(0), Le(1e8)] = 50_000.0,
    read: Annotated[float, Ge(0), Le(1e5)] = 3.0,
    shape: Annotated[float, Ge(-0.4), Le(1)] = -0.1,
    row: Annotated[float, Ge(0), Le(1e5)] = 0.5,
    bits: Bits = 14,
    clip: bool = False,
) -> Degraded:
    """Raw noise of a camera: shot, Tukey-lambda read, row and quantisation noise; under-exposed by ratio.

    At ISO 100 the white level is `full_well` electrons, at `iso` it is full_well·100/iso. The scene x (taken
    as linear) gives x·white/ratio electrons (Poisson). To them come read noise of standard deviation `read`
    electrons with the Tukey-lambda distribution of that `shape` (0.14 is near Gaussian, below 0 has heavy
    tails), and one Gaussian offset of `row` electrons for each row, the same in all channels. The sum is
    rounded to `bits` bits of white and multiplied by ratio. With `clip` it is clipped to black and white
    before rounding, and to [0, 1] after brightening. Model after Wei et al. 2020 (CVPR), "A physics-based
    noise formation model for extreme low-light raw denoising".

    A camera knows: `iso`, `ratio`, `bit_depth`, `peak` (electrons at 1) and `sigma`, the standard deviation
    of what does not depend on the signal (read, row and quantisation).
    """
    white = full_well * 100 / iso
    peak = white / ratio
    electrons = rng.poisson(np.maximum(x, 0) * peak) + read * _tukey(rng, x.shape, shape)
    electrons = electrons + row * rng.standard_normal((x.shape[0], 1, 1))
    raw, depth = digitise(electrons / white, clip, bits)
    y, _ = digitise(raw * ratio, clip, None)
    step = ratio / (2**bits - 1)
    sigma = math.sqrt((read**2 + row**2) / peak**2 + step**2 / 12)
    return y, {"peak": peak, "sigma": sigma, "iso": iso, "ratio": ratio, **depth}


def _tukey(rng: np.random.Generator, size: tuple[int, ...], shape: float) -> Picture:
    """Draws of the Tukey-lambda distribution with λ = `shape`, scaled to variance 1."""
    u = np.clip(rng.random(size), 2.0**-54, 1 - 2.0**-53)  # 0 and 1 are at infinity
    if abs(shape) < 1e-4:  # the logistic distribution is the limit; the formula below cancels there
        return np.log(u / (1 - u)) * (math.sqrt(3) / math.pi)
    variance = 2 / shape**2 * (1 / (1 + 2 * shape) - math.gamma(1 + shape) ** 2 / math.gamma(2 + 2 * shape))
    draws: Picture = (u**shape - (1 - u) ** shape) / (shape * math.sqrt(variance))
    return draws
