from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.recipes.objectives._embeddings import Margin, Pull, compared, pull_to_zero


@nb.objective("lifted", cite="H. O. Song et al., Deep metric learning via lifted structured feature embedding, CVPR "
              "2016")  # fmt: skip
def lifted(net: Any, batch: Any, *, margin: Margin = 1.0, zero_mean: Pull = 0.0) -> Any:
    """Lifted structure: each pair of one class against all pictures of other classes that are near either of both.

    Half the mean over pairs of one class of max(0, log Σ exp(margin − distance) + distance of the pair)². Distances are
    those of `arch=embedding`. zero_mean: weight of the pull of each embedding to the mean 0 (Yuan et al., CVPR 2019).
    """
    import torch

    embeddings, away, same, other = compared(net, batch)
    if not same.any():
        return 0 * embeddings.sum() + pull_to_zero(embeddings, zero_mean)
    rival = torch.logsumexp(torch.where(other, margin - away, -torch.inf), dim=1)
    losses = (torch.logaddexp(rival[:, None], rival[None]) + away).clamp_min(0).square()
    return losses[same].mean() / 2 + pull_to_zero(embeddings, zero_mean)
