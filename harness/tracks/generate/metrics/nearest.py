from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Batch, nearest_distances
from ._undefined import no_training_pictures


@metric("nearest", title="distance to training", track="generate", order=70, goal="1")
def nearest(batch: Batch) -> float:
    """Median distance of samples to the nearest training picture over that of reference pictures.

    Of these 512 are looked at. About 1 where samples are as new as pictures that were not trained on, near 0 where they
    are copies; blurred ones are near everything, too, so it is read beside a distance of laws.
    """
    if batch.reference.trained is None:
        return no_training_pictures()
    due = float(np.median(batch.reference.nearest))
    if due == 0:
        return NotDefined("half of the reference pictures are training pictures")
    return float(np.median(nearest_distances(batch.samples, batch.reference.trained))) / due
