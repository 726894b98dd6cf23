from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import ALL, SIGMA
from ._digitise import Bits, Degraded, Picture, Sigma, digitise
from ._filters import filter_separable, gaussian_taps


@regime(
    "correlated", discloses=("sigma",), keeps=ALL, adds_up=SIGMA, cuts=("clip", "bits"), title="Correlated, σ = {sigma}"
)
def correlated(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Sigma,
    radius: Annotated[float, Gt(0), Le(64), AxisLabel("radius (pixels)")],
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """White noise filtered by a Gaussian of radius pixels, each value of standard deviation sigma exactly.

    The white field is drawn larger than the picture by the reach of the filter, so that the noise is
    stationary up to the border and opposite borders are independent. Channels are independent.
    """
    s = sigma / 255
    taps = gaussian_taps(radius)
    unit = taps / math.sqrt(math.fsum(taps**2))
    height, width, channels = x.shape
    field = rng.standard_normal((height + len(taps) - 1, width + len(taps) - 1, channels))
    y, depth = digitise(x + s * filter_separable(field, unit), clip, bits)
    return y, {"sigma": s, **depth}
