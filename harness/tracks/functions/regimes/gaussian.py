from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..target import Floats


@regime("gaussian", track="functions", discloses=("sigma",), title="σ = {sigma}")
def gaussian(
    y: Floats, rng: np.random.Generator, *, sigma: Annotated[float, Ge(0), Le(1e6), AxisLabel("σ")]
) -> tuple[Floats, dict[str, Any]]:
    """White Gaussian noise of standard deviation sigma, in the unit of the values; sigma is disclosed."""
    return y + sigma * rng.standard_normal(y.shape), {"sigma": sigma}
