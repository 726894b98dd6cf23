from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("brier", title="Brier score", track="classify", higher=False, order=20, gate={"max_drop": 0.005})
def brier(log_p: Floats, label: int) -> float:
    """Brier score (1950): squared distance of the probabilities from 1 at the true class and 0 elsewhere; 0 to 2."""
    true = np.zeros(log_p.shape)
    true[label] = 1
    return float(np.square(np.exp(log_p) - true).sum())
