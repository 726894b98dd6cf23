from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._split import Count, Split
from noisebench.tracks.classify import LabelledPicture

_TEST = 0.3
"""The share of pictures that are tested, by the hash of their values: equal pictures are on one side."""


class Digits:
    """The pictures of one side of the split."""

    def __init__(self, split: str, n: int | None) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        pictures = (digits.images / 16).astype(np.float32)
        tested = [int(nb.pixel_sha256(picture)[:8], 16) < _TEST * 2**32 for picture in pictures]
        places = [i for i, test in enumerate(tested) if test == (split == "test")][:n]
        self._pictures, self._labels = pictures[places], digits.target[places]
        self.ids: Sequence[str] = [f"digit_{i:04d}" for i in places]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, float32 (8, 8)."""
        return LabelledPicture(self.ids[index], self._pictures[index], int(self._labels[index]), tuple("0123456789"))


@nb.dataset(
    "digits",
    track="classify",
    licence="CC BY 4.0",
    citation="E. Alpaydin, C. Kaynak, Optical recognition of handwritten digits, UCI machine learning repository, 1998",
    homepage="https://archive.ics.uci.edu/dataset/80",
)
def digits(*, split: Split = "test", n: Count | None = None) -> Digits:
    """Handwritten digits of 8 x 8 pixels, out of scikit-learn: 1,797 pictures of ten classes.

    Three in ten are for tests, by the hash of their values. n: so many of the split, in their order; none is all.

    Public: a method can know its items and their truths.
    """
    return Digits(split, n)
