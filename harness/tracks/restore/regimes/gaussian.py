from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime("gaussian", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"), title="σ = {sigma}")
def gaussian(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """White Gaussian noise of standard deviation sigma, the same for each value."""
    s = sigma / 255
    y, depth = digitise(x + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"sigma": s, **depth}
