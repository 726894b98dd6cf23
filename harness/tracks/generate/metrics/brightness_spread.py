from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Batch


@metric("brightness_spread", title="brightness spread", track="generate", order=62, goal="1")
def brightness_spread(batch: Batch) -> float:
    """Deviation of the mean values of samples over that of reference pictures: 1 is right, less is too alike."""
    due = float(batch.reference.rows.mean(axis=1).std(ddof=1))
    if len(batch.samples) < 2 or due == 0:
        return NotDefined("a deviation needs two pictures that differ")
    return float(batch.samples.mean(axis=1).std(ddof=1)) / due
