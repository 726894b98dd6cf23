"""The Y of BT.601 (16 to 235, 8 bit) of another set, as super-resolution tables have it since SRCNN (2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.restore._cut import cut_to_multiple

_LUMA = np.array([65.481, 128.553, 24.966])


class Luma:
    """The 8-bit luma of another dataset's pictures, each cut to a whole multiple of pixels."""

    def __init__(self, of: nb.Dataset, multiple: int) -> None:
        self._of = of
        self._multiple = multiple
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, uint8 (H, W). Raises `UsageError` where the other set's is not 8 bit, grey or RGB."""
        sample = cut_to_multiple(self._of.load(index), self._multiple)
        noisy = None if sample.noisy is None else self._luma(sample.noisy, sample.id)
        return nb.Sample(sample.id, self._luma(sample.clean, sample.id), noisy, group=sample.group)

    @staticmethod
    def _luma(picture: np.ndarray, name: str) -> np.ndarray:
        channels = picture.shape[2] if picture.ndim == 3 else 1
        if picture.dtype != np.uint8 or channels not in (1, 3):
            raise nb.UsageError(
                f"luma is of 8-bit pictures, grey or RGB; {name!r} is {picture.dtype}, {channels} channels"
            )
        if channels == 1:
            return picture.reshape(picture.shape[:2])
        luma: np.ndarray = np.rint(16 + picture @ _LUMA / 255).astype(np.uint8)
        return luma


@nb.dataset("luma", licence="that of the other set")
def luma(*, of: nb.DatasetSpec, multiple: Annotated[int, Ge(1)] = 1) -> Luma:
    """The Y of BT.601 (16 to 235, 8 bit) of another set, as super-resolution tables have it since SRCNN (2014).

    of: the other set. multiple: sides are cut at the bottom and the right to a multiple of this, which is the
    scale in those tables. Y is taken first, so that only it is made small, enlarged and scored; grey pictures
    stay as they are.
    """
    return Luma(nb.open_dataset(of), multiple)
