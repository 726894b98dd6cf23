from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import COUNTED, PEAK
from ._digitise import Bits, Degraded, Peak, Picture, digitise


@regime("poisson", discloses=("peak",), keeps=COUNTED, adds_up=PEAK, cuts=("clip", "bits"))
def poisson(
    x: Picture, rng: np.random.Generator, *, peak: Peak, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """Counts at a peak: y = Poisson(peak·x) / peak, of mean x and variance x/peak."""
    y, depth = digitise(rng.poisson(np.maximum(x, 0) * peak) / peak, clip, bits)
    return y, {"peak": peak, **depth}
