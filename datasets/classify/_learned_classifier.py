"""The classifier that a set is made by: one trained here, once, as a run trains it, or any other torch network."""

from __future__ import annotations

import noisebench as nb
from noisebench.datasets.classify._arrays import LabelledArrays


def learned_classifier(method: nb.Bound, seed: int, of: nb.Bound, held: LabelledArrays, name: str) -> nb.Learned:
    """The network of `method`, for the pictures `held` of the set `of`; `seed` is that of a recipe that says none.

    Raises `UsageError`, which begins with `name`, where it is for other pictures or for other classes, or where torch
    cannot differentiate it.
    """
    shape, classes = held.pictures.shape[1:], len(held.classes)
    trained = getattr(method.entry.obj, "trained", False)
    found = nb.learned(method, seed, name) if trained else nb.classifier_network(method, name, shape, classes)
    if found.given != shape or found.wanted != (len(held.classes),):
        raise nb.UsageError(
            f"{name}: {method.display} is for {found.wanted[0]} classes of pictures {found.given}, and {of.display} "
            f"has {len(held.classes)} of {tuple(shape)}"
        )
    return found
