from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Len

from ....components.decorators import metric
from ....text.errors import NotDefined, Skip
from ..judges import Judge, shown
from ..scored import Batch
from ..views import ViewName, labels_of_views, view_of
from ._undefined import no_training_pictures


@metric("view_agreement", title="agreement of views", track="generate", order=81)
def view_agreement(
    batch: Batch,
    *,
    views: Annotated[tuple[ViewName, ...], Len(1, 10)] = ("identity", "rot180"),
    over: Literal["mean", "least", "all"] = "mean",
    judge: Judge = "neighbours",
) -> float:
    """Whether samples show in each view what that view was to show, by a classifier of its own.

    The first view is to show the class that was asked for, each next one another of the batch, as `anagram` has it.
    over: `mean` is the share of views that are right, `least` that of the worst view, `all` the share of samples of
    which every view is right. judge: `neighbours`, the five nearest training pictures, or `convolutions`, a linear
    classifier of the responses of filters; neither knows of the sampler, or of the other. What a judge says of
    reference pictures is its ceiling. Not defined where no labels were asked for, or fewer than there are views.
    """
    reference = batch.reference
    if batch.labels is None:
        return NotDefined("no class was asked for")
    if reference.trained is None or reference.trained_labels is None:
        return no_training_pictures()
    pictures = batch.samples.reshape(-1, *batch.shape)
    try:
        wanted = labels_of_views(batch.labels, len(views))
        seen = [view_of(name, *batch.shape[1:]).seen(pictures).reshape(batch.samples.shape) for name in views]
    except Skip as skip:
        return NotDefined(str(skip))
    classes = np.stack([shown(judge, rows, batch.shape, reference) for rows in seen])
    right = classes == wanted
    if over == "all":
        return float(right.all(axis=0).mean())
    shares = right.mean(axis=1)
    return float(shares.min() if over == "least" else shares.mean())
