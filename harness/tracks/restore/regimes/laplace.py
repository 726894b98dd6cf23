from __future__ import annotations

import math

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime("laplace", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"), title="Laplace, σ = {sigma}")
def laplace(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White Laplace noise (heavy tails) of standard deviation sigma."""
    s = sigma / 255
    y, depth = digitise(x + (s / math.sqrt(2)) * rng.laplace(size=x.shape), clip, bits)
    return y, {"sigma": s, **depth}
