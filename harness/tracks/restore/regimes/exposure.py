from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import BENT
from ._digitise import Bits, Degraded, Picture, digitise


@regime("exposure", keeps=BENT, cuts=("clip", "bits"), title="exposure of {gain}, gamma {gamma}")
def exposure(
    x: Picture,
    rng: np.random.Generator,
    *,
    gain: Annotated[float, Gt(0), Le(1000), AxisLabel("gain")],
    gamma: Annotated[float, Gt(0), Le(10)] = 1.0,
    clip: bool = True,
    bits: Bits | None = None,
) -> Degraded:
    """Too short or too long an exposure: y = gain·x^gamma, clipped at 1.

    A gain below 1 and a gamma above it give a dark picture; a gain above 1 an over-exposed one, in which what was
    brighter than 1 / gain is lost. Nothing is disclosed.
    """
    y, depth = digitise(gain * np.maximum(x, 0) ** gamma, clip, bits)
    return y, depth
