from __future__ import annotations

import numpy as np

from ....components.decorators import protocol
from ..pairs import Array, require_grey_or_rgb

GRAY_601 = (299, 587, 114)
"""Full-range BT.601 in thousandths."""


@protocol("gray8", peak=255, bits=8)
def _gray8(picture: Array) -> Array:
    """8-bit rounding, one channel: colour becomes 0.299 R + 0.587 G + 0.114 B, rounded half to even; the data range
    is 255."""
    require_grey_or_rgb(picture, "gray8")
    if picture.shape[2] == 1:
        return picture
    # Integer sums are exact and one division keeps ties exact, so the rounding is the same everywhere.
    total = picture.astype(np.int32) @ np.array(GRAY_601, np.int32)
    return np.rint(total / 1000.0).astype(np.uint8)[:, :, None]
