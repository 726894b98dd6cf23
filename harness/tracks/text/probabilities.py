"""Log-probabilities of logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from .passage import Floats


def log_softmax(logits: Any) -> Floats:
    """Logits (N, K) → rows whose exponentials add up to 1, float64."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    log_p: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return log_p
