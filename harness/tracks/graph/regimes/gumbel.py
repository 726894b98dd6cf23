from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..sampling import Noise


@regime("gumbel", track="graph", title="Gumbel, σ = {sigma}")
def gumbel(noise: Noise, rng: np.random.Generator, *, sigma: Annotated[float, Gt(0), Le(1e6), AxisLabel("σ")]) -> Noise:
    """Gumbel noise, which is skewed, of mean 0 and standard deviation sigma for each variable, in their unit."""
    scale = sigma * np.sqrt(6) / np.pi
    drawn = rng.gumbel(-np.euler_gamma * scale, scale, noise.values.shape)
    return Noise(noise.values + drawn, noise.variances + sigma**2)
