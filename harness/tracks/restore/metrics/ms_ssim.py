from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..pairs import Array, Pair
from ._structure import WINDOW, structure_means
from ._undefined import too_small

MS_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
MS_SMALLEST = (WINDOW - 1) * 2 ** (len(MS_WEIGHTS) - 1) + 1


@metric("ms_ssim", title="MS-SSIM")
def ms_ssim(pair: Pair) -> float:
    """Multi-scale structural similarity (Wang et al. 2003): five scales, weights 0.0448 … 0.1333.

    The product over scales of the mean contrast-structure term, and of the mean SSIM at the coarsest, each to
    the power of its weight; per channel, then the mean. A mean below zero counts as zero, because a negative
    number has no such power. Between scales 2×2 averages; an odd last row or column is repeated, as in the
    authors' code. Not defined below 161 pixels.
    """
    if min(pair.x.shape[:2]) < MS_SMALLEST:
        return too_small(pair.x.shape, "ms_ssim", MS_SMALLEST)
    x, y = pair.x, pair.y
    product = np.ones(x.shape[2])
    for scale, weight in enumerate(MS_WEIGHTS, 1):
        last = scale == len(MS_WEIGHTS)
        product *= np.maximum(0.0, structure_means(x, y, pair.peak, luminance=last)) ** weight
        if not last:
            x, y = _halve(x), _halve(y)
    return float(product.mean())


def _halve(picture: Array) -> Array:
    """2×2 averages, float32 or float64; of 8 bit four times in a row without a rounding."""
    height, width = picture.shape[:2]
    plain = picture.astype(np.float32) if picture.dtype == np.uint8 else picture
    if height % 2 or width % 2:
        plain = np.pad(plain, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rows = plain[0::2] + plain[1::2]
    halved = rows[:, 0::2] + rows[:, 1::2]
    halved *= 0.25
    return halved
