from __future__ import annotations

import math

from ....components.decorators import metric
from ....distances import energy
from ..scored import Batch
from ._undefined import too_few


@metric("energy_distance", title="energy distance", track="generate", higher=False, order=0, decimals=5,
        gate={"max_drop": 0.002})  # fmt: skip
def energy_distance(batch: Batch) -> float:
    """Energy distance of a batch to the reference set (Székely & Rizzo 2013), over the root of the number of values.

    On the scale of pixels, so that sizes compare. Unbiased: 0 in the mean for samples of the law of the reference, and
    it may be below. It is 0 for no other law.
    """
    if len(batch.samples) < 2:
        return too_few()
    distance = energy.energy_distance(batch.samples, batch.reference.rows, within_b=batch.reference.spread)
    return distance / math.sqrt(batch.samples.shape[1])
