from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("wiener", layout="hwc", cite="Lee 1980")
def wiener(noisy: Any, info: Any, *, size: Annotated[int, Ge(1), Le(255)] | None = None) -> Any:
    """The local Wiener filter (Lee 1980): m + max(v − σ², 0)/v · (y − m), with mean and variance of a window.

    Default window, best on BSD400: 5 up to a sigma of 15, 7 up to 35, 9 up to 60, then 11.
    """
    import cv2

    sigma = noise_sigma(noisy, info)
    variance = sigma**2
    size = size or 5 + 2 * int(np.searchsorted((15, 35, 60), 255 * sigma))

    def mean(picture: Any) -> Any:
        blurred = cv2.blur(picture, (size, size), borderType=cv2.BORDER_REFLECT)
        return blurred.reshape(picture.shape)

    y = noisy.astype(np.float64)
    m = mean(y)
    v = np.maximum(mean(np.square(y - y.mean())) - np.square(m - y.mean()), 0)
    gain = np.maximum(v - variance, 0) / np.maximum(v, np.finfo(np.float64).tiny)
    return (m + gain * (y - m)).astype(np.float32)
