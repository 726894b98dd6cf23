from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.datasets.generate._laws import rounded, set_of_law
from noisebench.tracks.generate import Law

Dims = Annotated[int, Ge(1), Le(1024)]


@nb.dataset("gaussian_points", track="generate", licence="CC0-1.0 (made here)")
def gaussian_points(
    *,
    split: Split = "test",
    dims: Dims = 1,
    mean: Annotated[float, Ge(-1000), Le(1000)] = 0.0,
    spread: Annotated[float, Gt(0), Le(1000)] = 1.0,
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 1024,
    trained: Count = 4000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """Points of one normal law in a few dimensions, as pictures of one row: the mean is what a model is to find.

    dims: values of a point, which is a picture (1, 1, dims). mean: that of each value. spread: deviation of each.

    n, count: so many batches of so many latents. reference, trained: so many draws, to compare with, and to train on
    (`split=train`). labels: whether each sample is to be of a component, of which there is one.
    """

    def law() -> Law:
        means = rounded(np.full((1, dims), mean))
        return Law(np.ones(1), means, rounded(spread**2 * np.eye(dims))[None], (1, 1, dims))

    name = f"gaussian_points-{dims}-{mean!r}-{spread!r}"
    return set_of_law(name, law, split, n, count, reference, trained, labels)
