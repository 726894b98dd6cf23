from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import at_most, checked, regime
from ....spec.parameter_types import AxisLabel
from ..sampling import Noise

Variance = Annotated[float, Gt(0), Le(1e12)]


@regime("hetero", track="graph", title="σ² in [{low}, {high}]")
@checked(at_most("low", "high"))
def hetero(
    noise: Noise,
    rng: np.random.Generator,
    *,
    low: Annotated[Variance, AxisLabel("least variance")],
    high: Annotated[Variance, AxisLabel("largest variance")],
) -> Noise:
    """Normal noise whose variance is uniform in [low, high], drawn for each variable."""
    size = noise.values.shape
    variances = low + (high - low) * rng.random(size[1])
    return Noise(noise.values + np.sqrt(variances) * rng.standard_normal(size), noise.variances + variances)
