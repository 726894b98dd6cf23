from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel


@regime("spread", track="generate", discloses=("factor",), title="latents × {factor}")
def spread(
    z: npt.NDArray[np.float64],
    rng: np.random.Generator,
    *,
    factor: Annotated[float, Gt(0), Le(1000), AxisLabel("factor of the latents")],
) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """Each value of the latents times `factor`, which is disclosed; 1 is what samplers are made for."""
    return factor * z, {"factor": factor}
