from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ....text.errors import UsageError
from ..operators import Floats


@regime("fewer", track="matrix", title="m = {m}")
def fewer(
    y: Floats, rng: np.random.Generator, *, m: Annotated[int, Ge(1), AxisLabel("measurements m")]
) -> tuple[Floats, dict[str, Any]]:
    """m of the measurements, drawn by key, are given and no others. Raises `UsageError` where there are fewer."""
    measured = np.flatnonzero(~np.isnan(y))
    if m > len(measured):
        raise UsageError(f"fewer(m={m}) of {len(measured)} measurements: give {len(measured)} or less, or measure more")
    kept = rng.permutation(measured)[:m]
    fewer_of_y = np.full(y.shape, np.nan)
    fewer_of_y[kept] = y[kept]
    return fewer_of_y, {}
