from __future__ import annotations

import math

import numpy as np

from ....components.decorators import regime
from ..disclosure import FACTOR, MULTIPLIED
from ._digitise import Bits, Degraded, Picture, digitise


@regime("rayleigh", discloses=("speckle",), keeps=MULTIPLIED, adds_up=FACTOR, cuts=("clip", "bits"))
def rayleigh(x: Picture, rng: np.random.Generator, *, clip: bool = False, bits: Bits | None = None) -> Degraded:
    """Speckle of a one-look amplitude picture: y = x·r, r Rayleigh of mean 1 and variance 4/π − 1.

    `looks` is kept secret: it would stand for Gamma speckle. `speckle` is the standard deviation of r.
    """
    y, depth = digitise(x * (math.sqrt(2 / math.pi) * rng.rayleigh(size=x.shape)), clip, bits)
    return y, {"speckle": math.sqrt(4 / math.pi - 1), "looks": None, **depth}
