from __future__ import annotations

from ....components.decorators import metric
from ..scored import Batch


@metric("brightness", track="generate", order=60, goal="none")
def brightness(batch: Batch) -> float:
    """Mean value of the samples, on [-1, 1]: neither high nor low is good; see `brightness_bias`."""
    return float(batch.samples.mean())
