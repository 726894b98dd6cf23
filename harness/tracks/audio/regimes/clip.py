from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..clip import Floats


@regime("clip", track="audio", discloses=("clipped_at",), title="clipped at {at} of the peak")
def clip(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    at: Annotated[float, Gt(0), Le(1), AxisLabel("threshold over peak")],
) -> tuple[Floats, dict[str, Any]]:
    """Values beyond ±`at` times the largest magnitude of the clip are set to it. Discloses clipped_at, that value."""
    limit = at * float(np.abs(wave).max())
    return np.clip(wave, -limit, limit), {"clipped_at": limit}
