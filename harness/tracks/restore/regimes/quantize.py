from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import BENT
from ._digitise import Bits, Degraded, Picture, digitise


@regime("quantize", discloses=("bit_depth",), keeps=BENT)
def quantize(x: Picture, rng: np.random.Generator, *, bits: Bits) -> Degraded:
    """Clipped to [0, 1] and rounded half to even to one of 2^bits levels."""
    return digitise(x, True, bits)
