"""The mean of the samples: what every fit must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("mean", track="functions", role="baseline", blind=True)
def mean(samples: Any, info: Any) -> Any:
    """The mean of the noisy samples at every point, float64 (M,)."""
    return np.full(len(samples.at), samples.y.mean())
