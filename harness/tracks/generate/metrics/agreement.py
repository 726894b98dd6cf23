"""Whether samples are of the class that was asked for, by the training pictures that are nearest."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components import metric
from ....distances.pairwise import pairwise_distances
from ....errors import NotDefined
from ..scored import Batch
from ._undefined import no_training_pictures


@metric("agreement", title="class agreement", track="generate", order=80)
def agreement(batch: Batch, *, k: Annotated[int, Ge(1), Le(100)] = 5) -> float:
    """The share of samples of which most of the `k` nearest training pictures have the label that was asked for.

    Of classes with as many of the k the first counts. A classifier that errs is no judge of the last percent: that of
    reference pictures with their own labels is its ceiling. Not defined where no labels were asked for.
    """
    reference = batch.reference
    if batch.labels is None:
        return NotDefined("no class was asked for")
    if reference.trained is None or reference.trained_labels is None:
        return no_training_pictures()
    most = min(k, len(reference.trained))
    hits = 0
    for i in range(0, len(batch.samples), 256):
        near = np.argpartition(pairwise_distances(batch.samples[i : i + 256], reference.trained), most - 1, axis=1)[
            :, :most
        ]
        said = [int(np.bincount(row).argmax()) for row in reference.trained_labels[near]]
        hits += int((np.array(said) == batch.labels[i : i + 256]).sum())
    return hits / len(batch.samples)
