from __future__ import annotations

import numpy as np

from ....components.decorators import protocol
from ..pairs import Array


@protocol("float", peak=1, keeps=(0.0, 1.0))
def _float(picture: Array) -> Array:
    """Clip to [0, 1], no rounding, all channels, border 0; the data range is 1."""
    return np.clip(picture, 0.0, 1.0)
