from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import POINTWISE, REPLACED
from ._digitise import Degraded, Picture, Probability


@regime("impulse", discloses=("p",), keeps=POINTWISE, adds_up=REPLACED)
def impulse(x: Picture, rng: np.random.Generator, *, p: Probability) -> Degraded:
    """Each value, independently in each channel, becomes uniform on [0, 1] with probability p."""
    hit = rng.random(x.shape) < p
    return np.where(hit, rng.random(x.shape), x), {"p": p}
