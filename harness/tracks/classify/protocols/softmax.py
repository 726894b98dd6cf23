from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Gt
from scipy.special import log_softmax

from ....components.decorators import protocol


@protocol("softmax", track="classify")
def softmax(
    logits: np.ndarray[Any, Any], *, temperature: Annotated[float, Gt(0)] = 1.0
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Logits (K,) over a temperature → log-probabilities, float64 (K,)."""
    log_p: np.ndarray[Any, np.dtype[np.float64]] = log_softmax(logits.astype(np.float64) / temperature)
    return log_p
