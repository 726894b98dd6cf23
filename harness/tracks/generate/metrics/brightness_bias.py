from __future__ import annotations

from ....components.decorators import metric
from ..scored import Batch


@metric("brightness_bias", title="brightness bias", track="generate", higher=False, order=61)
def brightness_bias(batch: Batch) -> float:
    """How far the mean value of the samples is from that of the reference pictures, on [-1, 1]; 0 is best.

    That of a batch of true pictures is some 0.8 deviations of a picture's mean over the root of their number.
    """
    return abs(float(batch.samples.mean()) - float(batch.reference.rows.mean()))
