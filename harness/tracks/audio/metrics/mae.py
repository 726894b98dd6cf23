"""Mean absolute error."""

from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..scored import Restored


@metric("mae", title="MAE", track="audio", higher=False, order=7, decimals=5)
def mae(restored: Restored) -> float:
    """Mean of |s - ŝ| over samples, on full scale ±1; 0 is best. Unlike SI-SDR it sees the level."""
    return float(np.mean(np.abs(restored.truth - restored.output)))
