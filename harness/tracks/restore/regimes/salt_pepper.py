from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import POINTWISE, REPLACED
from ._digitise import Degraded, Picture, Probability


@regime("salt_pepper", discloses=("p",), keeps=POINTWISE, adds_up=REPLACED)
def salt_pepper(x: Picture, rng: np.random.Generator, *, p: Probability) -> Degraded:
    """Each value, independently in each channel, becomes 0 or 1 with probability p/2 each."""
    u = rng.random(x.shape)
    return np.where(u < p / 2, 0.0, np.where(u < p, 1.0, x)), {"p": p}
