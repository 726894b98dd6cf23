from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import FACTOR, MULTIPLIED
from ._digitise import Bits, Degraded, Picture, digitise


@regime("gamma", discloses=("looks", "speckle"), keeps=MULTIPLIED, adds_up=FACTOR, cuts=("clip", "bits"))
def gamma(
    x: Picture,
    rng: np.random.Generator,
    *,
    looks: Annotated[float, Ge(0.01), Le(1e6), AxisLabel("looks")],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Speckle of an intensity picture: y = x·g, g Gamma of mean 1 and variance 1/looks.

    `speckle` is the standard deviation of g.
    """
    y, depth = digitise(x * (rng.standard_gamma(looks, x.shape) / looks), clip, bits)
    return y, {"looks": looks, "speckle": 1 / math.sqrt(looks), **depth}
