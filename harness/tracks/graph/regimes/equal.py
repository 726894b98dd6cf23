from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..sampling import Noise


@regime("equal", track="graph", title="σ = {sigma}")
def equal(noise: Noise, rng: np.random.Generator, *, sigma: Annotated[float, Gt(0), Le(1e6), AxisLabel("σ")]) -> Noise:
    """Normal noise of standard deviation sigma for each variable, in the unit of the samples."""
    return Noise(noise.values + sigma * rng.standard_normal(noise.values.shape), noise.variances + sigma**2)
