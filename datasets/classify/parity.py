"""The pictures of another set in two classes: those of its even classes, and those of its odd ones."""

from __future__ import annotations

from dataclasses import replace

import noisebench as nb
from noisebench.tracks.classify import LabelledPicture


class Parity:
    """The items of a set, each labelled by whether the number of its class is odd."""

    def __init__(self, of: nb.Dataset) -> None:
        self._of = of
        self.ids = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Item `index`, in two classes."""
        item: LabelledPicture = self._of.load(index)
        told = None if item.annotated is None else item.annotated % 2
        return replace(item, label=item.label % 2, classes=("even", "odd"), annotated=told)


@nb.dataset("parity", track="classify")
def parity(*, of: nb.DatasetSpec = "digits") -> Parity:
    """The pictures of another set in two classes: those of its even classes, and those of its odd ones."""
    return Parity(nb.open_dataset(of))
