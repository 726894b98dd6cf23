from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("biharmonic", layout="hwc", needs=("mask",), blind=True, cite="Damelin & Hoang 2018")
def biharmonic(noisy: Any, info: Any) -> Any:
    """The smoothest surface (Δ²u = 0) through the known pixels, by scikit-image's sparse solver.

    0.2 s for half of 256×256 grey pixels; the time grows a little faster than the number of missing pixels.
    """
    from skimage.restoration import inpaint_biharmonic

    missing = np.asarray(info.mask) <= 0
    if missing.all() or not missing.any():
        return noisy
    filled = inpaint_biharmonic(noisy.astype(np.float64), missing, channel_axis=2)
    return np.where(missing[:, :, None], filled, noisy).astype(np.float32)
