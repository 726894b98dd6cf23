from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..operators import Floats


@regime("outliers", track="matrix", discloses=("share",), gross=True, title="{share} outliers of {scale}")
def outliers(
    y: Floats,
    rng: np.random.Generator,
    *,
    share: Annotated[float, Ge(0), Le(1), AxisLabel("share of outliers")],
    scale: Annotated[float, Gt(0), Le(1e9), AxisLabel("standard deviation of outliers")],
) -> tuple[Floats, dict[str, Any]]:
    """Each measurement, with probability share, has N(0, scale²) added, in its unit; share is disclosed."""
    hit = rng.random(y.shape) < share
    return np.where(hit, y + scale * rng.standard_normal(y.shape), y), {"share": share}
