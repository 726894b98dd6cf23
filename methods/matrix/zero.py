"""The matrix 0: what every recovery must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("zero", track="matrix", role="sanity", blind=True)
def zero(given: Any, info: Any) -> Any:
    """The matrix 0, float64 (p, q): its relative error is 1."""
    return np.zeros(given.shape)
