from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._embeddings import Margin, Pull, compared, mean_of_positive, pull_to_zero


@nb.objective("triplet", cite="F. Schroff, D. Kalenichenko, J. Philbin, FaceNet, CVPR 2015")
def triplet(net: Any, batch: Any, *, margin: Margin = 0.2, zero_mean: Pull = 0.0) -> Any:
    """Triplet: a picture is nearer to one of its class than to one of another, by a margin.

    The mean over all triplets of a batch that are not so yet. Distances are those of `arch=embedding`. zero_mean:
    weight of the pull of each embedding to the mean 0 (Yuan et al., CVPR 2019).
    """
    embeddings, away, same, other = compared(net, batch)
    # Anchor, one of its class, one of another: (N, N, N).
    short = (margin + away[:, :, None] - away[:, None, :]).clamp_min(0)
    return mean_of_positive(short * (same[:, :, None] & other[:, None, :])) + pull_to_zero(embeddings, zero_mean)
