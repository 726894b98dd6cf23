from __future__ import annotations

import cv2
import numpy as np

from ....components.decorators import metric
from ....imaging.pixels import Float
from ....text.errors import NotDefined
from ..pairs import Pair
from ._planes import VIF_SMALLEST, lumas_of

_VIF_NOISE, _VIF_TINY, _VIF_ROWS = 2.0, 1e-10, 64


@metric("vif", title="VIF")
def vif(pair: Pair) -> float:
    """Visual information fidelity of luma in the pixel domain; 1 for equal pictures (Sheikh and Bovik 2006).

    The authors' `vifp`, with scalar mixtures in place of wavelets: Σ log(1 + g² v_y / (v + 2)) / Σ log(1 + v_y / 2)
    over four scales, with v_y the clean variance, g = cov / v_y and v = v_x − g cov in Gaussian windows of 17, 9,
    5 and 3 of sigma a fifth of that, where they fit; the noise of seeing has the variance 2. Above 1 where
    contrast was raised. Not defined below 41 pixels, nor where the clean picture is flat.
    """
    lumas = lumas_of(pair, "vif", VIF_SMALLEST)
    if isinstance(lumas, NotDefined):
        return lumas
    # Offsets leave variances alone, but cost them digits.
    distorted, reference = (luma - luma.mean() for luma in lumas)
    seen = available = 0.0
    for scale in range(4):
        width = 2 ** (4 - scale) + 1
        if scale:
            distorted, reference = (np.ascontiguousarray(_window(p, width)[::2, ::2]) for p in (distorted, reference))
        for top in range(0, reference.shape[0] - width + 1, _VIF_ROWS):  # pieces that stay in the cache
            piece = np.s_[top : top + _VIF_ROWS + width - 1]
            part, whole = _information(distorted[piece], reference[piece], width)
            seen, available = seen + part, available + whole
    return seen / available if available > 0 else NotDefined("vif needs a clean picture that is not flat")


def _window(plane: Float, width: int) -> Float:
    """Gaussian means where the window fits."""
    half = width // 2
    taps = np.exp(-((np.arange(width) - half) ** 2) / (2 * (width / 5) ** 2))
    taps /= taps.sum()
    return np.asarray(cv2.sepFilter2D(plane, cv2.CV_64F, taps, taps)[half:-half, half:-half])


def _information(distorted: Float, reference: Float, width: int) -> tuple[float, float]:
    """Information of the reference that the distorted picture keeps, and all of it, at one scale; in nats."""
    mean_x, mean_y = _window(distorted, width), _window(reference, width)
    var_x = _window(distorted * distorted, width) - mean_x * mean_x
    var_y = _window(reference * reference, width) - mean_y * mean_y
    cov = _window(distorted * reference, width) - mean_x * mean_y
    np.maximum(var_x, 0, out=var_x)
    np.maximum(var_y, 0, out=var_y)
    gain = cov / (var_y + _VIF_TINY)
    rest = np.multiply(gain, cov, out=cov)
    np.subtract(var_x, rest, out=rest)
    # The degenerate cases of the authors: nothing to see, nothing seen, or seen upside down.
    if min(float(var_y.min()), float(var_x.min())) < _VIF_TINY:
        blank, flat = var_y < _VIF_TINY, var_x < _VIF_TINY
        gain[blank | flat] = 0
        rest[blank] = var_x[blank]
        rest[flat] = 0
        var_y[blank] = 0
    turned = gain < 0
    np.copyto(rest, var_x, where=turned)
    np.copyto(gain, 0.0, where=turned)
    np.maximum(rest, _VIF_TINY, out=rest)
    rest += _VIF_NOISE
    gain *= gain
    gain *= var_y
    gain /= rest
    var_y /= _VIF_NOISE
    return float(np.log1p(gain, out=gain).sum()), float(np.log1p(var_y, out=var_y).sum())
