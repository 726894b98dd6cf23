from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.restore._synthetic import Count, Size

_APART = 8
"""One picture of so many gives squares for validation, and none to train on."""
_TRIES = 100
"""How often a square of one value is drawn again."""


class Patches:
    """Squares, each of a picture and at a place that its number says."""

    def __init__(self, of: nb.Dataset, pictures: Sequence[int], apart: Sequence[int], n: int, kept: int, size: int):
        self._of, self._size = of, size
        places = [(chosen[i % len(chosen)], i // len(chosen), i) for chosen, count in ((pictures, n), (apart, kept))
                  for i in range(count)]  # fmt: skip
        self._places = [(picture, turn) for picture, turn, _ in places]
        self.ids: Sequence[str] = [f"{of.ids[picture]}_square_{turn:04d}" for picture, turn in self._places]
        if kept:
            self.kept_apart: Sequence[int] = range(n, n + kept)
        self._pictures: dict[int, Any] = {}

    def load(self, index: int) -> nb.Sample:
        """Square `index`. Raises `UsageError` where its picture is smaller."""
        picture, turn = self._places[index]
        if picture not in self._pictures:
            if len(self._pictures) >= 256:
                self._pictures.clear()
            self._pictures[picture] = self._of.load(picture).clean
        clean, size = self._pictures[picture], self._size
        height, width = clean.shape[:2]
        if min(height, width) < size:
            raise nb.UsageError(f"dataset patches: {self._of.ids[picture]!r} is {height}×{width}: give a smaller size")
        rng = nb.keyed_generator(nb.text_key(f"patches|{self._of.ids[picture]}|{size}|{turn}"))
        for _ in range(_TRIES):
            row, column = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
            square = clean[row : row + size, column : column + size]
            if square.min() != square.max():
                break
        return nb.Sample(self.ids[index], np.ascontiguousarray(square), group=self._of.ids[picture])


@nb.dataset("patches", licence="that of the other set")
def patches(
    *,
    of: nb.DatasetSpec,
    n: Count = 100,
    size: Size = 16,
    share: Annotated[int, Ge(0)] = 0,
    shares: Annotated[int, Ge(1), Le(1000)] = 3,
    validated: Annotated[int, Ge(0)] = 0,
) -> Patches:
    """Squares of the pictures of another set, from one share of these: no picture is in two shares.

    share: of `shares`, counted from 0, into which the pictures fall by the hash of their ids; so two networks learn of
    other pictures, and a third share tests both. n: as many squares of `size` pixels a side, one of each picture before
    a second one of any; fewer of them are the first ones of more. validated: as many more, of pictures that give no
    other, which a training keeps apart. Squares of a picture are one group. One of a single value, as of white
    sky, is drawn again, for it may be in any picture.
    """
    whole = nb.open_dataset(of)
    if share >= shares:
        raise nb.UsageError(f"dataset patches: share={share} is beyond shares={shares}: count from 0")
    order = sorted(range(len(whole.ids)), key=lambda i: nb.text_key(f"patches|{whole.ids[i]}"))
    of_share = order[share::shares]
    apart = of_share[::_APART] if validated else []
    trained = [picture for picture in of_share if picture not in {*apart}]
    if not trained:
        raise nb.UsageError(f"dataset patches: {of.display} has {len(whole.ids)} pictures, too few for {shares} shares")
    return Patches(whole, trained, apart, n, validated, size)
