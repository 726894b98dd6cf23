"""Pictures of the track `restore` as grey matrices of a small size."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np

Pictures = Annotated[Any, nb.Nested("dataset", "restore")]
"""A dataset of the track `restore`."""


def grey_square(clean: Any, name: str, side: int) -> np.ndarray:
    """The largest square in the middle, as means of k x k pixels and channels: (side, side) on [0, 1].

    k is the most that fits; what is left over is cut off at the edges. Raises `UsageError` for a smaller picture.
    """
    most = min(clean.shape[:2])
    if most < side:
        raise nb.UsageError(f"picture {name!r} is {clean.shape[1]} x {clean.shape[0]} pixels: give side={most} or less")
    k = most // side
    row, column = ((n - k * side) // 2 for n in clean.shape[:2])
    square = clean[row : row + k * side, column : column + k * side].reshape(side, k, side, k, -1).astype(np.float64)
    peak = np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1.0
    return np.asarray(square.sum(axis=(1, 3, 4)) / (k * k * square.shape[4] * peak))
