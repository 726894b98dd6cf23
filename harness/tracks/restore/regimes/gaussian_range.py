from __future__ import annotations

from typing import Annotated

import numpy as np

from ....components.decorators import at_most, checked, regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime(
    "gaussian_range",
    discloses=("sigma",),
    keeps=ALL,
    adds_up=SIGMA,
    cuts=("clip", "bits"),
    title="σ from {low} to {high}",
)
@checked(at_most("low", "high"))
def gaussian_range(
    x: Picture,
    rng: np.random.Generator,
    *,
    low: Annotated[Sigma, AxisLabel("lowest σ (of 255)")],
    high: Annotated[Sigma, AxisLabel("highest σ (of 255)")],
    disclose: bool = False,
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """White Gaussian noise; sigma is drawn per picture, uniform on [low, high], and told only if disclose."""
    s = (low + (high - low) * rng.random()) / 255
    y, depth = digitise(x + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"sigma": s if disclose else None, **depth}
