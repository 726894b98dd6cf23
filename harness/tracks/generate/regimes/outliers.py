from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel


@regime("outliers", track="generate", discloses=("share", "scale"))
def outliers(
    z: npt.NDArray[np.float64],
    rng: np.random.Generator,
    *,
    share: Annotated[float, Ge(0), Le(1), AxisLabel("share of outliers")],
    scale: Annotated[float, Gt(0), Le(1000)] = 4.0,
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """Each value, with probability `share`, is a new normal one times `scale`; the others stay. Both are disclosed."""
    hit = rng.random(z.shape) < share
    return np.where(hit, scale * rng.standard_normal(z.shape), z), {"share": share, "scale": scale}
