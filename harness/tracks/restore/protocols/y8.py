from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge

from ....components.decorators import protocol
from ....spec.parameter_types import Later
from ..pairs import Array, require_grey_or_rgb

LUMA_601 = (65.481, 128.553, 24.966)
"""Studio-range BT.601: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255 with R, G, B on 0–255."""
LUMA_601_WHOLE = (65481, 128553, 24966)
"""The same in thousandths, so that sums are exact: Y · 255,000 = 16 · 255,000 + 65,481 R + 128,553 G + 24,966 B."""


@protocol("y8", peak=255, bits=8)
def _y8(picture: Array, *, border: Annotated[int, Ge(0)] = 0, rounded: Annotated[bool, Later()] = False) -> Array:
    """8-bit rounding, `border` cut off, then BT.601 luma on 16–235 in float or `rounded`; grey stays the 8-bit grey.

    The data range is 255.
    """
    require_grey_or_rgb(picture, "y8")
    bottom, right = (max(border, side - border) for side in picture.shape[:2])
    picture = picture[border:bottom, border:right]
    if picture.shape[2] == 1:
        return picture
    if rounded:
        return rounded_luma(picture)
    luma: Array = 16.0 + picture @ np.array(LUMA_601) / 255.0
    return luma[:, :, None]


def rounded_luma(picture: Array) -> Array:
    """Luma of (H, W, 3) uint8 on 16–235 as (H, W, 1) uint8, half up: MATLAB's rgb2ycbcr on uint8."""
    total = picture.astype(np.int32) @ np.array(LUMA_601_WHOLE, np.int32) + 16 * 255_000
    return ((total + 127_500) // 255_000).astype(np.uint8)[:, :, None]
