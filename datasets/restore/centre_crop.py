from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


class CentreCrop:
    """Another dataset's pictures, each cut to its middle."""

    def __init__(self, of: nb.Dataset, size: int) -> None:
        self._of, self._size = of, size
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` where its own small picture cannot be cut by whole pixels."""
        sample = self._of.load(index)
        noisy = None
        scale = 1 if sample.noisy is None else sample.clean.shape[0] // sample.noisy.shape[0]
        sides = [min(side, self._size) for side in sample.clean.shape[:2]]
        if any(side % scale for side in sides):
            raise nb.UsageError(
                f"size={self._size} must be a multiple of {scale}: "
                f"picture {sample.id!r} is {scale} times as large as its noisy one"
            )
        # From a place that the small picture has too.
        places = [(whole - side) // 2 // scale for whole, side in zip(sample.clean.shape, sides, strict=False)]
        if sample.noisy is not None:
            noisy = _cut(sample.noisy, places, [side // scale for side in sides])
        clean = _cut(sample.clean, [place * scale for place in places], sides)
        return nb.Sample(sample.id, clean, noisy, group=sample.group)


def _cut(picture: np.ndarray[Any, Any], places: Sequence[int], sides: Sequence[int]) -> np.ndarray[Any, Any]:
    (row, column), (height, width) = places, sides
    return np.ascontiguousarray(picture[row : row + height, column : column + width])


@nb.dataset("centre_crop", licence="that of the other set")
def centre_crop(*, of: nb.DatasetSpec, size: Annotated[int, Ge(1), Le(1_000_000)]) -> CentreCrop:
    """The middle of each picture of another set: for methods that take minutes a picture.

    of: the other set. size: pixels a side, or less where a picture is smaller. A picture's own noisy one is cut alike.
    """
    return CentreCrop(nb.open_dataset(of), size)
