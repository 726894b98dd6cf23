from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._inverse import enlarge


@nb.method("bicubic", layout="hwc", needs=("scale",), blind=True, cite="Keys 1981")
def bicubic(noisy: Any, info: Any) -> Any:
    """Cubic convolution with a = −0.5 (Keys 1981), the "bicubic" row of the super-resolution literature."""

    def keys(t: Any) -> Any:
        t = np.abs(t)
        near, far = (1.5 * t - 2.5) * t**2 + 1, ((2.5 - 0.5 * t) * t - 4) * t + 2
        return np.where(t <= 1, near, np.where(t < 2, far, 0))

    return enlarge(noisy, info, keys, 2)
