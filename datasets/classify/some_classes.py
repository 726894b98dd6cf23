from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.tracks.classify import LabelledPicture


class SomeClasses:
    """The pictures at some places of another set."""

    def __init__(self, of: nb.Dataset, places: Sequence[int], classes: Sequence[int]) -> None:
        self._of, self._places, self._classes = of, places, {old: new for new, old in enumerate(classes)}
        self.ids: Sequence[str] = [of.ids[place] for place in places]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`."""
        item: LabelledPicture = self._of.load(self._places[index])
        annotated = None if item.annotated is None else self._classes[item.annotated]
        names = tuple(item.classes[old] for old in self._classes)
        label = self._classes[item.label]
        regions = None if item.regions is None else self._renumbered(item.regions, len(item.classes))
        return replace(item, label=label, annotated=annotated, classes=names, regions=regions)

    def _renumbered(self, regions: Any, known: int) -> Any:
        """Regions by the new numbers: -1 is what shows none of the classes that are left."""
        table = np.full(known + 1, -1, np.int32)  # the last place is that of -1
        table[[*self._classes]] = [*self._classes.values()]
        return table[regions]


@nb.dataset("some_classes", track="classify", licence="that of the other set")
def some_classes(*, of: nb.DatasetSpec, classes: tuple[Annotated[int, Ge(0)], ...]) -> SomeClasses:
    """The pictures of another set that are of some of its classes, numbered anew.

    of: the other set. classes: their places among its classes, in the order in which they are numbered here. A picture
    whose label, true or annotated, is of another class is left out. A classifier that is trained on some of the classes
    does not know the others.
    """
    if not classes or len({*classes}) < len(classes):
        raise nb.UsageError("dataset some_classes: give at least one class, and each once")
    other = nb.open_dataset(of)
    items: list[LabelledPicture] = [other.load(index) for index in range(len(other.ids))]
    if not items or max(classes) >= len(items[0].classes):
        known = len(items[0].classes) if items else 0
        raise nb.UsageError(
            f"dataset some_classes: class {max(classes)} is beyond the {known} of {of.display}: count from 0"
        )
    places = [place for place, item in enumerate(items) if item.label in classes and item.given_label in classes]
    return SomeClasses(other, places, classes)
