from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._embeddings import Margin, Pull, compared, mean_of_positive, pull_to_zero


@nb.objective("contrastive", cite="R. Hadsell, S. Chopra, Y. LeCun, Dimensionality reduction by learning an invariant "
              "mapping, CVPR 2006")  # fmt: skip
def contrastive(net: Any, batch: Any, *, margin: Margin = 1.0, zero_mean: Pull = 0.0) -> Any:
    """Contrastive: pictures of one class are drawn together, others pushed a margin apart.

    The mean distance of pairs of one class, and the mean of margin − distance of those of two that are nearer than
    `margin`; not squared, as DSML has it. Distances are those of `arch=embedding`. zero_mean: weight of the pull of
    each embedding to the mean 0 (Yuan et al., CVPR 2019).
    """
    embeddings, away, same, other = compared(net, batch)
    near = mean_of_positive(away[same]) + mean_of_positive((margin - away[other]).clamp_min(0))
    return near + pull_to_zero(embeddings, zero_mean)
