from __future__ import annotations

from dataclasses import replace

import noisebench as nb
import numpy as np
from noisebench.tracks.classify import NO_CLASS, LabelledPicture


class Parity:
    """The items of a set, each labelled by whether the number of its class is odd; what shows none still shows none."""

    def __init__(self, of: nb.Dataset) -> None:
        self._of = of
        self.ids = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Item `index`, in two classes."""
        item: LabelledPicture = self._of.load(index)
        label = NO_CLASS if item.label == NO_CLASS else item.label % 2
        annotated = None if item.annotated is None else item.annotated % 2
        regions = None if item.regions is None else np.where(item.regions >= 0, item.regions % 2, -1)
        return replace(item, label=label, classes=("even", "odd"), annotated=annotated, regions=regions)


@nb.dataset("parity", track="classify")
def parity(*, of: nb.DatasetSpec = "digits") -> Parity:
    """The pictures of another set in two classes: those of its even classes, and those of its odd ones."""
    return Parity(nb.open_dataset(of))
