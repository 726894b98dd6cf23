"""The pictures of another set in three channels, grey ones repeated, and cut to a multiple of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.datasets.restore._cut import cut_to_multiple


class Rgb:
    """Another dataset's pictures in three channels, each cut to a whole multiple of pixels."""

    def __init__(self, of: nb.Dataset, multiple: int) -> None:
        self._of = of
        self._multiple = multiple
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`, (H, W, 3) of its own type. Raises `UsageError` where the other set's is not grey or RGB."""
        sample = cut_to_multiple(self._of.load(index), self._multiple)
        noisy = None if sample.noisy is None else _rgb(sample.noisy, sample.id)
        return nb.Sample(sample.id, _rgb(sample.clean, sample.id), noisy, group=sample.group)


def _rgb(picture: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    channels = picture.shape[2] if picture.ndim == 3 else 1
    if channels not in (1, 3):
        raise nb.UsageError(f"rgb is of pictures that are grey or RGB; {name!r} has {channels} channels")
    return picture if channels == 3 else np.repeat(picture.reshape(*picture.shape[:2], 1), 3, axis=2)


@nb.dataset("rgb", licence="that of the other set")
def rgb(*, of: nb.DatasetSpec, multiple: Annotated[int, Ge(1)] = 1) -> Rgb:
    """The pictures of another set in three channels, grey ones repeated, and cut to a multiple of pixels.

    of: the other set. multiple: sides are cut at the bottom and the right to a multiple of this, which is the scale in
    tables of super-resolution networks. Those take colour in, and a grey picture, such as one of Set14, three times.
    """
    return Rgb(nb.open_dataset(of), multiple)
