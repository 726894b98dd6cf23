from __future__ import annotations

import numpy as np

from ....components.decorators import protocol
from ....imaging.pixels import Array
from ..maps import Ints


@protocol("argmax", track="segment")
def argmax(logits: Array) -> Ints:
    """Logits (K, H, W) → the likeliest class of each pixel, int64 (H, W); of equally likely ones the first."""
    classes: Ints = np.argmax(logits, axis=0).astype(np.int64)
    return classes
