"""Another set whose labels are wrong where pictures look like another class; the truth stays what it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.classify import NO_CLASS, LabelledPicture

_SPREAD = 0.1
"""The standard deviation of the shares of pictures."""


class InstanceLabels:
    """Another set's pictures, some with a wrong label, which one depending on the picture."""

    def __init__(self, of: nb.Dataset, share: float, seed: int) -> None:
        self._of, self._share, self._seed = of, share, seed
        self._projections: dict[tuple[int, int, int], Any] = {}
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`; its label depends on its pixels, its class, its id and the seed alone."""
        item: LabelledPicture = self._of.load(index)
        if item.label == NO_CLASS or len(item.classes) < 2 or not self._share:
            return item
        rng = nb.keyed_generator(nb.text_key(f"instance labels|{self._seed}|{item.id}"))
        wrong = self._share_of_picture(rng)
        if rng.random() >= wrong:
            return item
        values = item.as_given.ravel().astype(np.float64)
        towards = values @ self._projection(item.label, len(values), len(item.classes))
        towards[item.label] = -np.inf
        odds = np.exp(towards - towards.max())
        return replace(item, annotated=int(rng.choice(len(odds), p=odds / odds.sum())))

    def _share_of_picture(self, rng: np.random.Generator) -> float:
        """The chance that this picture has a wrong label: of a normal law within [0, 1]."""
        while True:
            drawn = self._share + _SPREAD * rng.standard_normal()
            if 0 <= drawn <= 1:
                return float(drawn)

    def _projection(self, label: int, size: int, classes: int) -> Any:
        """What the pixels of pictures of a class speak for, (size, classes)."""
        key = label, size, classes
        if key not in self._projections:
            rng = nb.keyed_generator(nb.text_key(f"instance labels|{self._seed}|{key}"))
            self._projections[key] = rng.standard_normal((size, classes))
        return self._projections[key]


@nb.dataset(
    "instance_labels",
    track="classify",
    licence="that of the other set",
    cite="X. Xia et al., Part-dependent label noise: towards instance-dependent label noise, NeurIPS 2020",
)
def instance_labels(
    *, of: nb.DatasetSpec, share: Annotated[float, Ge(0), Le(1)] = 0.2, seed: Annotated[int, Ge(0)] = 0
) -> InstanceLabels:
    """Another set whose labels are wrong where pictures look like another class (their algorithm 2).

    of: the other set. share: the chance of a wrong label, around which that of a picture is normal with a deviation of
    0.1, within [0, 1]; 0 is none. Which wrong label it is: the pixels, on [0, 1], times a normal matrix of the class
    are the log odds of the others, so that pictures of a class that are alike have the same wrong label. A training is
    told these labels; what is scored is the true one. A picture of no class stays as it is.
    """
    return InstanceLabels(nb.open_dataset(of), share, seed)
