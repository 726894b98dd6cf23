"""The classifier that a set is made by: one trained here, once, as a run trains it, or any other torch network."""

from __future__ import annotations

import noisebench as nb
from noisebench.datasets.classify._arrays import LabelledArrays


def learned_classifier(method: nb.Bound, seed: int, of: nb.Bound, data: LabelledArrays, name: str) -> nb.Learned:
    """The network of `method`, for the pictures `data` of the set `of`; `seed` is that of a recipe that says none.

    Raises `UsageError`, which begins with `name`, where it is for other pictures or for other classes, or where torch
    cannot differentiate it.
    """
    shape, classes = data.pictures.shape[1:], len(data.classes)
    trained = getattr(method.entry.obj, "trained", False)
    model = nb.learned(method, seed, name) if trained else nb.classifier_network(method, name, shape, classes)
    if model.given != shape or model.wanted != (len(data.classes),):
        raise nb.UsageError(
            f"{name}: {method.display} is for {model.wanted[0]} classes of pictures {model.given}, and {of.display} "
            f"has {len(data.classes)} of {tuple(shape)}"
        )
    return model
