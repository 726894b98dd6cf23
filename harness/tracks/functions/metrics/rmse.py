from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..target import Floats, Target


@metric("rmse", title="RMSE", track="functions", higher=False, order=0, gate={"max_drop": 0.001})
def rmse(fit: Floats, truth: Floats, item: Target) -> float:
    """Root mean squared error over the held-out points, in the unit of the protocol; 0 is best."""
    return float(np.sqrt(np.mean((fit - truth) ** 2)))
