from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.generate._batches import by_turns
from noisebench.tracks.generate import LatentBatch, Reference, TrainingPicture


class _Batches:
    """Batches of another set that ask for some classes, before pictures of these."""

    def __init__(self, of: nb.Dataset, classes: Sequence[int], name: str) -> None:
        self._of, self._classes, self._name = of, np.array(classes), name
        self.ids: Sequence[str] = of.ids

    @cached_property
    def _reference(self) -> Reference:
        reference: Reference = self._of.load(0).reference
        chosen = reference.labels is not None and np.isin(reference.labels, self._classes)
        if reference.labels is None or not np.any(chosen):
            raise nb.UsageError(f"dataset some_classes: {self._name} has no reference pictures of these classes")
        return replace(reference, pictures=reference.pictures[chosen], labels=reference.labels[chosen])

    def load(self, index: int) -> LatentBatch:
        """Batch `index`: the latents are those of the other set."""
        item: LatentBatch = self._of.load(index)
        first = range(len(self.ids))[index] * item.count
        shares = [1 / len(self._classes)] * len(self._classes)
        labels = None if item.labels is None else self._classes[by_turns(shares, first + item.count)[first:]]
        return replace(item, reference=self._reference, labels=labels, law=None)


class _Pictures:
    """The pictures at some places of another set."""

    def __init__(self, of: nb.Dataset, places: Sequence[int]) -> None:
        self._of, self._places = of, places
        self.ids: Sequence[str] = [of.ids[place] for place in places]

    def load(self, index: int) -> TrainingPicture:
        """Picture `index`."""
        item: TrainingPicture = self._of.load(self._places[index])
        return item


@nb.dataset("some_classes", track="generate", licence="that of the other set")
def some_classes(
    *, of: nb.DatasetSpec, classes: tuple[Annotated[int, Ge(0)], ...], n: Annotated[int, Ge(1)] | None = None
) -> Any:
    """Another set without some of its classes: pictures to train on, or latents before pictures of these alone.

    of: the other set. classes: those that stay; they keep their numbers. n: of pictures to train on the first so many;
    none is all. Where batches ask for classes, they ask for these, by turns. Training pictures that metrics look at,
    as `agreement` does, are those of all classes. A model that is trained on some does not know the others.
    """
    if not classes or len({*classes}) < len(classes):
        raise nb.UsageError("dataset some_classes: give at least one class, and each once")
    other = nb.open_dataset(of)
    if isinstance(other.load(0), LatentBatch):
        if n is not None:
            raise nb.UsageError("dataset some_classes: n is of training pictures: add split=train to the set within")
        return _Batches(other, classes, of.display)
    places = [place for place in range(len(other.ids)) if other.load(place).label in classes][:n]
    if not places:
        raise nb.UsageError(f"dataset some_classes: {of.display} has no pictures of these classes")
    return _Pictures(other, places)
