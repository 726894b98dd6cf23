from __future__ import annotations

from typing import Literal

import numpy as np

from ....components.decorators import regime
from ..disclosure import MASK, POINTWISE
from ._digitise import Degraded, Picture


@regime("checkerboard", discloses=("mask",), keeps=POINTWISE, adds_up=MASK, planes=("mask",))
def checkerboard(x: Picture, rng: np.random.Generator, *, part: Literal[0, 1] = 0) -> Degraded:
    """The pixels of one colour of a checkerboard, and in the places of the others what is beside them.

    part: 0 keeps the pixel at the top left. A missing one has the largest value of those of its square of 2 × 2 that
    are kept, in each channel. mask is (H, W), 1 where known.
    """
    height, width = x.shape[:2]
    known = (np.add.outer(np.arange(height), np.arange(width)) % 2 == part).astype(np.float64)
    kept = np.where(known[:, :, None] > 0, x, -np.inf)
    whole = np.pad(kept, ((0, height % 2), (0, width % 2), (0, 0)), constant_values=-np.inf)
    squares = whole.reshape(whole.shape[0] // 2, 2, whole.shape[1] // 2, 2, -1).max(axis=(1, 3))
    largest = squares.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    # A square that the edge of the picture cuts to one pixel has none that is kept.
    return np.where(np.isfinite(kept), kept, np.where(np.isfinite(largest), largest, 0.0)), {"mask": known}
