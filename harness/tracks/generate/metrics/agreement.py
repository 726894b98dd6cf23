from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..judges import by_neighbours
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
    return float((by_neighbours(batch.samples, reference, k) == batch.labels).mean())
