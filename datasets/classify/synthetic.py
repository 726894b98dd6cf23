from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.classify._arrays import labelled_arrays
from noisebench.methods.restore._principal import Principal, principal
from noisebench.tracks.classify import LabelledPicture


class SyntheticPictures:
    """Draws of a generator, all of one class."""

    def __init__(
        self, generator: Principal, shape: tuple[int, ...], label: int, classes: Sequence[str], n: int, key: str
    ) -> None:
        self._generator, self._shape, self._label, self._classes, self._key = generator, shape, label, classes, key
        self.ids: Sequence[str] = [f"synthetic_{classes[label]}_{i:05d}" for i in range(n)]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (H, W, C), a grey one (H, W)."""
        drawn = self._generator.drawn(nb.keyed_generator(nb.text_key(f"{self._key}|{range(len(self.ids))[index]}")))
        picture = np.clip(drawn.reshape(self._shape), 0, 1).transpose(1, 2, 0)
        picture = picture[:, :, 0] if picture.shape[2] == 1 else picture
        # Products of matrices differ in the last bits from machine to machine; on this grid the pixels do not.
        return LabelledPicture(
            self.ids[index], (np.rint(picture * 2**16) / 2**16).astype(np.float32), self._label, self._classes
        )


@nb.dataset("synthetic", track="classify", licence="that of the other set")
def synthetic(
    *,
    of: nb.DatasetSpec,
    n: Annotated[int, Ge(1), Le(100_000)] = 200,
    k: Annotated[int, Ge(1), Le(65_536)] = 16,
    seed: Annotated[int, Ge(0)] = 0,
) -> SyntheticPictures:
    """Pictures that a generator makes which was fitted to another set: more of a class that is rare.

    of: pictures of one class, more than k of them. The generator is linear: their mean and k principal components, with
    white noise for the rest (probabilistic PCA, Tipping and Bishop 1999). n: so many. seed: other draws. Fit it to
    training pictures alone.
    """
    data = labelled_arrays(of)
    labels = {int(label) for label in data.labels}
    if len(labels) > 1:
        raise nb.UsageError(f"dataset synthetic: {of.display} has {len(labels)} classes: give pictures of one")
    generator = principal(list(data.pictures), k, f"dataset synthetic(of={of.display})")
    key = f"synthetic|{of.canonical}|{k}|{seed}"
    return SyntheticPictures(generator, data.pictures.shape[1:], labels.pop(), data.classes, n, key)
