"""Photographs with missing pixels: real matrices of about a low rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Gt, Le
from noisebench.datasets.matrix._grey import Pictures, grey_square
from noisebench.datasets.matrix._seen import seen_entries
from noisebench.tracks.matrix import Measured, as_measured


class Photographs:
    """The first pictures of a set, each with missing pixels that are its own."""

    def __init__(self, of: nb.Dataset, side: int, share: float, most: int) -> None:
        self._of, self._side, self._share = of, side, share
        self.ids: Sequence[str] = of.ids[:most]

    def load(self, index: int) -> Measured:
        """Photograph `index`. Raises `UsageError` for one that is too small."""
        name = self.ids[index]
        truth = grey_square(self._of.load(index).clean, name, self._side)
        key = nb.text_key(f"photographs|{name}|{self._side}|{self._share!r}")
        return as_measured(name, truth, seen_entries(truth, self._share, key), peak=1.0)


@nb.dataset("photographs", track="matrix", licence="that of the pictures")
def photographs(
    *,
    of: Pictures = "photos",
    side: Annotated[int, Ge(8), Le(2_048)] = 128,
    share: Annotated[float, Gt(0), Le(1)] = 0.5,
    most: Annotated[int, Ge(1), Le(100_000)] = 100,
) -> Photographs:
    """The first `most` pictures of another set, of which a share of the pixels is seen, at random places.

    The square in the middle, grey on [0, 1], made `side` pixels wide by means of whole squares of pixels. No photograph
    has a low rank exactly: what is left out of a few ranks is an error that no method of this track removes.
    """
    return Photographs(nb.open_dataset(of), side, share, most)
