from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..target import Floats


@regime("outliers", track="functions", discloses=("share",))
def outliers(
    y: Floats, rng: np.random.Generator, *, share: Annotated[float, Ge(0), Le(1), AxisLabel("share of outliers")]
) -> tuple[Floats, dict[str, Any]]:
    """Each sample, with probability share, becomes uniform between the smallest and the largest; share is disclosed."""
    hit = rng.random(y.shape) < share
    return np.where(hit, rng.uniform(y.min(), y.max(), y.shape), y), {"share": share}
