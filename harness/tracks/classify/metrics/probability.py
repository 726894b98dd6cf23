from __future__ import annotations

import math
from typing import Any

import numpy as np

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("probability", title="Probability", track="classify", order=15, gate={"max_drop": 0.005})
def probability(log_p: Floats, label: int) -> float:
    """Probability that is given to the true class; 1 is best, 1/K that of a guess among K."""
    return math.exp(float(log_p[label]))
