from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._noise_level import recompress


@nb.method("jpeg_reapply", layout="hwc", needs=("quality",), cite="Nosratinia 2001")
def jpeg_reapply(noisy: Any, info: Any) -> Any:
    """Undo the blocks of a JPEG: the mean of 64 more of the same quality, one for each shift of the grid.

    Nosratinia (2001), "Enhancement of JPEG-compressed images by re-application of JPEG".
    """
    total = np.zeros(noisy.shape, np.float64)
    for down in range(8):
        for right in range(8):
            total += recompress(noisy, info.quality, down, right)
    return (total / 64).astype(np.float32)
