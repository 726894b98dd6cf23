from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..scored import Batch


@metric("largest", title="largest value", track="generate", order=96, goal="none")
def largest(batch: Batch) -> float:
    """The largest size of a value of a batch; it grows with the number of values. For latents, as `kurtosis` is."""
    return float(np.abs(batch.samples).max())
