from __future__ import annotations

import math

from ....components.decorators import protocol
from ..pairs import Array


@protocol("raw", peak=1, keeps=(-math.inf, math.inf))
def _raw(picture: Array) -> Array:
    """Neither clipped nor rounded, all channels, border 0; the data range is 1."""
    return picture
