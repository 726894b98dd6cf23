from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._separation import separator_of, sums_of, unsupervised_error, zero_loss


@nb.objective("mix_and_separate", cite="H. Zhao et al., The sound of pixels, ECCV 2018")
def mix_and_separate(net: Any, batch: Any) -> Any:
    """Mix and separate: mixtures are added up, and each is found again by its classes; no single source is known.

    Each mixture of the batch is added to the next one that has other classes, and the network is asked for all classes
    of the first at once. An L1 error of magnitudes, weighted by log1p of those of the sum, 0.001 to 10. `wanted` is
    not read. Goes with `arch=class_mask_unet` and `data=mixtures(…)`, of twice as many classes as sources or more.
    """
    separator, labels = separator_of(net, batch, "mix_and_separate")
    sums = sums_of(separator, batch["given"], labels, "mix_and_separate")
    return zero_loss(separator) if sums is None else unsupervised_error(separator, sums)
