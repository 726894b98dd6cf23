from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..target import Floats, Target


@metric("sup_norm", title="sup norm", track="functions", higher=False, order=1)
def sup_norm(fit: Floats, truth: Floats, item: Target) -> float:
    """Largest absolute error at a held-out point, in the unit of the protocol; 0 is best."""
    return float(np.abs(fit - truth).max())
