"""White Gaussian noise; sigma is drawn per picture, uniform on [low, high], and told only if disclose."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from ....components import checked, regime
from ....errors import UsageError
from ....parameter_types import AxisLabel
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


def _ordered(low: float, high: float) -> None:
    if low > high:
        raise UsageError(f"regime 'gaussian_range': low={low:g} is above high={high:g}; exchange them")


@regime(
    "gaussian_range",
    discloses=("sigma",),
    keeps=ALL,
    adds_up=SIGMA,
    cuts=("clip", "bits"),
    title="σ from {low} to {high}",
)
@checked(_ordered)
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
