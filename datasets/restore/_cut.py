"""Pictures cut to a whole multiple of pixels, as tables of super-resolution have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import noisebench as nb
import numpy as np

Change = Callable[[np.ndarray[Any, Any], str], np.ndarray[Any, Any]]
"""A picture and its id → the picture in another form of the same size. Raises `UsageError`."""


class Cut:
    """Another dataset's pictures, each cut to a whole multiple of pixels and then changed."""

    def __init__(self, of: nb.Dataset, multiple: int, change: Change) -> None:
        self._of = of
        self._multiple = multiple
        self._change = change
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> nb.Sample:
        """Picture `index`. Raises `UsageError` where it cannot be cut or changed."""
        sample = cut_to_multiple(self._of.load(index), self._multiple)
        noisy = None if sample.noisy is None else self._change(sample.noisy, sample.id)
        return nb.Sample(sample.id, self._change(sample.clean, sample.id), noisy, group=sample.group)


def cut_to_multiple(sample: nb.Sample, multiple: int) -> nb.Sample:
    """`sample` with its sides cut at the bottom and the right; its own noisy picture, if smaller, by as much.

    Raises `UsageError` where nothing is left, and where the small picture cannot be cut by whole pixels.
    """
    height, width = (side // multiple * multiple for side in sample.clean.shape[:2])
    if not height or not width:
        raise nb.UsageError(f"picture {sample.id!r} is smaller than multiple={multiple} pixels")
    clean, noisy = np.ascontiguousarray(sample.clean[:height, :width]), sample.noisy
    if noisy is not None:
        scale = sample.clean.shape[0] // noisy.shape[0]
        if height % scale or width % scale:
            raise nb.UsageError(
                f"multiple={multiple} must be a multiple of {scale}: "
                f"picture {sample.id!r} is {scale} times as large as its noisy one"
            )
        noisy = np.ascontiguousarray(noisy[: height // scale, : width // scale])
    return nb.Sample(sample.id, clean, noisy, group=sample.group)
