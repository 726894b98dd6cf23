from __future__ import annotations

from ....components.decorators import protocol
from ..pairs import Array


@protocol("uint8", peak=255, bits=8)
def _uint8(picture: Array) -> Array:
    """Clip to [0, 1], ×255, round half to even, all channels, border 0; the data range is 255."""
    return picture
