from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.losses._scales import coarse_error, similarity


@nb.loss("ms_ssim_l1", cite="H. Zhao et al., Loss functions for image restoration with neural networks, TCI 3(1), 2017")
def ms_ssim_l1(output: Any, wanted: Any, *, alpha: Annotated[float, Ge(0), Le(1)] = 0.84) -> Any:
    """MS-SSIM and L1: a mixture, in which L1 is weighted by the Gaussian of the coarsest scale.

    alpha (1 - MS-SSIM) + (1 - alpha) G·|d|. (B, C, H, W) on [0, 1], of any sides.
    """
    return alpha * (1 - similarity(output, wanted).mean()) + (1 - alpha) * coarse_error(output, wanted)
