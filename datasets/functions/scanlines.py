"""Lines of real pictures as functions: from the coordinate to the intensity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.functions import as_target

Pictures = Annotated[Any, nb.Nested("dataset", "restore")]
"""A dataset of the track `restore`."""


class Scanlines:
    """The middle line of each picture, every second pixel of which is held out."""

    def __init__(self, of: nb.Dataset, most: int) -> None:
        self._of = of
        self.ids: Sequence[str] = of.ids[:most]

    def load(self, index: int) -> object:
        """Line `index`, grey on [0, 1]. Raises `UsageError` for a picture of fewer than 8 columns."""
        clean: Any = self._of.load(index).clean
        line = clean[clean.shape[0] // 2].astype(np.float64)
        line = line / (np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1.0)
        line = line.mean(axis=1) if line.ndim == 2 else line
        if len(line) < 8:
            raise nb.UsageError(
                f"picture {self.ids[index]!r} has {len(line)} columns, and a function needs 8: give larger ones"
            )
        x = np.linspace(0.0, 1.0, len(line))
        return as_target(self.ids[index], x[::2], line[::2], x[1::2], line[1::2])


@nb.dataset("scanlines", track="functions", licence="that of the pictures")
def scanlines(*, of: Pictures = "photos", most: Annotated[int, Ge(1), Le(100_000)] = 100) -> Scanlines:
    """The middle line of each of the first `most` pictures of another set: position on [0, 1] → intensity on [0, 1].

    Every second pixel is a sample, the others are held out. Colour is the mean of its channels.
    """
    return Scanlines(nb.open_dataset(of), most)
