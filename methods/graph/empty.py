"""No edge at all: what every graph must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("empty", track="graph", role="sanity", blind=True)
def empty(samples: Any, info: Any) -> Any:
    """No edge between any two variables, weights (d, d) of 0."""
    return np.zeros(info.shape)
