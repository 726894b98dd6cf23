"""Another set in which a class is taken for a certain other one in a share of its labels; the truth stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.tracks.classify import NO_CLASS, LabelledPicture


class AsymmetricLabels:
    """Another set's pictures, some with the label that its class is taken for."""

    def __init__(self, of: nb.Dataset, share: float, to: Sequence[int], seed: int) -> None:
        self._of, self._share, self._to, self._seed = of, share, to, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`; its label depends on its id, its class and the seed alone. Raises `UsageError`."""
        item: LabelledPicture = self._of.load(index)
        count = len(item.classes)
        if self._to and (len(self._to) != count or max(self._to) >= count):
            raise nb.UsageError(
                f"dataset asymmetric_labels: to names {len(self._to)} classes up to {max(self._to)}, "
                f"and there are {count}: give one from 0 to {count - 1} for each"
            )
        rng = nb.keyed_generator(nb.text_key(f"asymmetric labels|{self._seed}|{item.id}"))
        if item.label == NO_CLASS or rng.random() >= self._share:
            return item
        taken = self._to[item.label] if self._to else (item.label + 1) % count
        return item if taken == item.label else replace(item, annotated=taken)


@nb.dataset(
    "asymmetric_labels",
    track="classify",
    licence="that of the other set",
    cite="G. Patrini et al., Making deep neural networks robust to label noise: a loss correction approach, CVPR 2017",
)
def asymmetric_labels(
    *,
    of: nb.DatasetSpec,
    share: Annotated[float, Ge(0), Le(1)] = 0.2,
    to: tuple[Annotated[int, Ge(0)], ...] = (),
    seed: Annotated[int, Ge(0)] = 0,
) -> AsymmetricLabels:
    """Another set in which a class is taken for a certain other one in a share of its labels.

    of: the other set. share: of the pictures of each class, each by itself. to: what each class is taken for, by their
    places, the same place for a class that is always known; without it the next class, and the first of the last ("pair
    flip", Han et al. 2018). That of tables on CIFAR-10 is (0, 1, 0, 5, 7, 3, 6, 7, 8, 1). A training is told these
    labels; what is scored is the true one. A picture of no class stays as it is.
    """
    return AsymmetricLabels(nb.open_dataset(of), share, to, seed)
