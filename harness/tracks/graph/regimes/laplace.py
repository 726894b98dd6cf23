from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..sampling import Noise


@regime("laplace", track="graph", title="Laplace, σ = {sigma}")
def laplace(
    noise: Noise, rng: np.random.Generator, *, sigma: Annotated[float, Gt(0), Le(1e6), AxisLabel("σ")]
) -> Noise:
    """Laplace noise of mean 0 and standard deviation sigma for each variable, in the unit of the samples."""
    drawn = rng.laplace(0.0, sigma / np.sqrt(2), noise.values.shape)
    return Noise(noise.values + drawn, noise.variances + sigma**2)
