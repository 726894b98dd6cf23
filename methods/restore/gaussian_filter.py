from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.restore._noise_level import noise_sigma


@nb.method("gaussian_filter", layout="hwc", role="sanity", cite="Stein 1981")
def gaussian_filter(noisy: Any, info: Any, *, width: Annotated[float, Ge(0), Le(1000)] | None = None) -> Any:
    """A Gaussian blur. Default width: the least unbiased estimate of the risk (SURE, Stein 1981).

    For a linear filter K and white noise, E|Ky − x|² = E|Ky − y|² + 2σ² tr K − Nσ², which needs no clean
    picture. Widths tried: 0 (no blur), then 0.3 to 4.6 pixels in steps of a fifth. Mirrored border.
    """
    if width is not None:
        return _blur(noisy, width)
    sigma = noise_sigma(noisy, info)
    best, least = noisy, 2 * sigma**2
    for candidate in 0.3 * 1.2 ** np.arange(16):
        blurred = _blur(noisy, candidate)
        risk = float(np.mean(np.square(blurred - noisy, dtype=np.float64)))
        risk += 2 * sigma**2 * float(_taps(candidate).max()) ** 2
        if risk < least:
            best, least = blurred, risk
    return best


def _taps(width: float) -> Any:
    radius = int(np.ceil(4 * width))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    return taps / taps.sum()


def _blur(noisy: Any, width: float) -> Any:
    import cv2

    if width <= 0:
        return noisy
    taps = _taps(width)
    return cv2.sepFilter2D(noisy, cv2.CV_32F, taps, taps, borderType=cv2.BORDER_REFLECT).reshape(noisy.shape)
