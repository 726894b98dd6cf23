from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax

from ....components.decorators import protocol


@protocol("softmax", track="adapt")
def softmax(logits: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Logits (N, K) → log-probabilities, float64 (N, K)."""
    log_p: np.ndarray[Any, np.dtype[np.float64]] = log_softmax(logits.astype(np.float64), axis=1)
    return log_p
