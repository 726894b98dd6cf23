from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ....text.errors import UsageError
from ..sampling import Noise


@regime("outliers", track="graph")
def outliers(
    noise: Noise,
    rng: np.random.Generator,
    *,
    share: Annotated[float, Ge(0), Le(1), AxisLabel("share of outliers")],
    scale: Annotated[float, Gt(0), Le(1e6), AxisLabel("scale of outliers")],
) -> Noise:
    """Each draw of the noise before it becomes, with probability share, scale times as strong: contaminated noise.

    It stands behind another one, as in `equal(sigma=1) + outliers(share=0.02, scale=10)`; else it raises `UsageError`.
    """
    if not noise.variances.any():
        raise UsageError("outliers makes noise stronger: put one before it, equal(sigma=1) + outliers(…)")
    hit = rng.random(noise.values.shape) < share
    spread = 1 - share + share * scale**2
    return Noise(np.where(hit, scale * noise.values, noise.values), spread * noise.variances)
