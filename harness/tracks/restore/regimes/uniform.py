from __future__ import annotations

import math

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime("uniform", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"))
def uniform(
    x: Picture, rng: np.random.Generator, *, width: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White noise uniform on ±width/2; its standard deviation width/√12 is disclosed."""
    w = width / 255
    y, depth = digitise(x + w * (rng.random(x.shape) - 0.5), clip, bits)
    return y, {"sigma": w / math.sqrt(12), **depth}
