from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.losses._scales import similarity

_SNELL = "J. Snell et al., Learning to generate images with perceptual similarity metrics, ICIP 2017"


@nb.loss("ms_ssim", cite=_SNELL)
def ms_ssim(output: Any, wanted: Any) -> Any:
    """MS-SSIM: one less the multi-scale structural similarity, the mean over pictures and channels on [0, 1].

    (B, C, H, W) of any sides. As the metric `ms_ssim` from 161 pixels on; below, of as many scales as have room for
    the window of 11, with their weights raised to the sum of all. A term whose mean is below 1e-4 counts as that, and
    passes no gradient. A shift of brightness costs little: see the metric `mean_shift`.
    """
    return 1 - similarity(output, wanted).mean()
