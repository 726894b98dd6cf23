from __future__ import annotations

from typing import Literal

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime("stripes", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"), title="Stripes, σ = {sigma}")
def stripes(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Sigma,
    axis: Literal["row", "column"] = "row",
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """One Gaussian offset of standard deviation sigma for each row (or column) and channel."""
    s = sigma / 255
    height, width, channels = x.shape
    shape = (height, 1, channels) if axis == "row" else (1, width, channels)
    y, depth = digitise(x + s * rng.standard_normal(shape), clip, bits)
    return y, {"sigma": s, **depth}
