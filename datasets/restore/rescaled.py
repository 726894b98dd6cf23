from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import cv2
import noisebench as nb
import numpy as np
from annotated_types import Ge, Le, MinLen

Factor = Annotated[float, Ge(0.05), Le(20)]


@nb.dataset("rescaled", licence="that of the other set")
class Rescaled:
    """The pictures of another set at several sizes: training data that is sharper and smoother than the set itself.

    of: the other set; its own noisy pictures are left out, since another size has other noise. factors: each picture
    is an item at each factor, and its sides become round(factor · side), at least one pixel. Smaller pictures are means
    over areas, larger ones bicubic; 8 bits stay 8 bits. A picture's sizes are one group.
    """

    def __init__(self, *, of: nb.DatasetSpec, factors: Annotated[tuple[Factor, ...], MinLen(1)]) -> None:
        suffixes = [f"@{factor:g}" for factor in factors]
        if len(set(suffixes)) < len(factors):
            raise nb.UsageError(f"rescaled: factors={factors}: give factors that differ in their first six digits")
        self._of = nb.open_dataset(of)
        self._factors = factors
        self.ids: Sequence[str] = [name + suffix for suffix in suffixes for name in self._of.ids]

    def load(self, index: int) -> nb.Sample:
        """Item `index`: all pictures at the first factor, then all at the second."""
        place, picture = divmod(index, len(self._of.ids))
        sample = self._of.load(picture)
        clean = _resized(sample.clean, self._factors[place])
        return nb.Sample(self.ids[index], clean, group=sample.group or sample.id)


def _resized(picture: np.ndarray[Any, Any], factor: float) -> np.ndarray[Any, Any]:
    """(H, W) or (H, W, C) → the same type at another size, within the range that the picture has."""
    if factor == 1:
        return picture
    height, width = (max(1, round(factor * side)) for side in picture.shape[:2])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    channels = picture.reshape(*picture.shape[:2], -1)
    resized = np.stack([cv2.resize(plane, (width, height), interpolation=method)
                        for plane in np.moveaxis(channels, 2, 0).copy()], axis=2)  # fmt: skip
    clipped: np.ndarray[Any, Any] = np.clip(resized, picture.min(), picture.max())
    return clipped.reshape(height, width, *picture.shape[2:])
