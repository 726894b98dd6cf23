from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._structure import WINDOW, mean_structure
from ._undefined import too_small


@metric("ssim", title="SSIM", order=1, gate={"max_drop": 0.001})
def ssim(pair: Pair) -> float:
    """Structural similarity (Wang et al. 2004): 11×11 Gaussian of sigma 1.5, K = (0.01, 0.03), valid region.

    Population covariance, mean over pixels and channels, no downsampling. Not defined below 11 pixels.
    """
    if min(pair.x.shape[:2]) < WINDOW:
        return too_small(pair.x.shape, "ssim", WINDOW)
    return mean_structure(pair.x, pair.y, pair.peak)
