from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.tracks.classify import LabelledPicture


class FlippedLabels:
    """Another set's pictures, some with a wrong label."""

    def __init__(self, of: nb.Dataset, share: float, seed: int) -> None:
        self._of, self._share, self._seed = of, share, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`; its label depends on its id and the seed alone."""
        item: LabelledPicture = self._of.load(index)
        rng = nb.keyed_generator(nb.text_key(f"flipped labels|{self._seed}|{item.id}"))
        if rng.random() >= self._share:
            return item
        away = 1 + int(rng.integers(len(item.classes) - 1))
        return replace(item, annotated=(item.label + away) % len(item.classes))


@nb.dataset("flipped_labels", track="classify", licence="that of the other set")
def flipped_labels(
    *, of: nb.DatasetSpec, share: Annotated[float, Ge(0), Le(1)] = 0.1, seed: Annotated[int, Ge(0)] = 0
) -> FlippedLabels:
    """Another set of which a share of labels is wrong, as a training is told; the truth stays what it was.

    of: the other set. share: of pictures, each by itself, whose label is another class, all alike probable. What is
    scored is the true label.
    """
    return FlippedLabels(nb.open_dataset(of), share, seed)
