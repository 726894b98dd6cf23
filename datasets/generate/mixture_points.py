from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.datasets.generate._laws import rounded, set_of_law
from noisebench.datasets.generate.gaussian_points import Dims
from noisebench.tracks.generate import Law


@nb.dataset("mixture_points", track="generate", licence="CC0-1.0 (made here)")
def mixture_points(
    *,
    split: Split = "test",
    dims: Dims = 2,
    kinds: Annotated[int, Ge(1), Le(100)] = 4,
    apart: Annotated[float, Ge(0), Le(1000)] = 2.0,
    spread: Annotated[float, Gt(0), Le(1000)] = 0.5,
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 1024,
    trained: Count = 4000,
    labels: bool = False,
) -> LatentBatches | TrainingPictures:
    """Points of a mixture of normal laws in a few dimensions, as pictures of one row: all is known.

    dims: values of a point, which is a picture (1, 1, dims). kinds: equally likely laws, whose means are keyed draws of
    a normal law of deviation `apart` in each value. spread: deviation of each value within a kind.

    n, count: so many batches of so many latents. reference, trained: so many draws, to compare with, and to train on
    (`split=train`). labels: whether each sample is to be of a kind, these by turns.
    """
    name = f"mixture_points-{dims}-{kinds}-{apart!r}-{spread!r}"

    def law() -> Law:
        drawn = nb.keyed_generator(nb.text_key(f"mixture_points|{dims}|{kinds}")).standard_normal((kinds, dims))
        each = np.broadcast_to(spread**2 * np.eye(dims), (kinds, dims, dims))
        return Law(np.full(kinds, 1 / kinds), rounded(apart * drawn), rounded(each), (1, 1, dims))

    return set_of_law(name, law, split, n, count, reference, trained, labels)
