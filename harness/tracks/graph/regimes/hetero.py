"""Normal noise of a level of its own for each variable."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components import checked, regime
from ....errors import UsageError
from ....parameter_types import AxisLabel
from ..sampling import Noise

Variance = Annotated[float, Gt(0), Le(1e12)]


def _ordered(low: float, high: float) -> None:
    if low > high:
        raise UsageError(f"regime hetero: low={low:g} is above high={high:g}; exchange them")


@regime("hetero", track="graph", title="σ² in [{low}, {high}]")
@checked(_ordered)
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
