from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt, Le
from noisebench.recipes.objectives._embeddings import Pull, compared, pull_to_zero


@nb.objective("n_pair", cite="K. Sohn, Improved deep metric learning with multi-class N-pair loss objective, NIPS 2016")
def n_pair(net: Any, batch: Any, *, scale: Annotated[float, Gt(0), Le(1e6)] = 1.0, zero_mean: Pull = 0.0) -> Any:
    """N-pair: of one picture of its class and all of other classes, a picture is nearest to the one.

    The mean over pairs of one class of log(1 + Σ exp(scale (distance of the pair − distance to one of another class))).
    Distances are those of `arch=embedding`, in place of the inner products of the paper. zero_mean: weight of the pull
    of each embedding to the mean 0 (Yuan et al., CVPR 2019).
    """
    import torch

    embeddings, away, same, other = compared(net, batch)
    if not same.any():
        return 0 * embeddings.sum() + pull_to_zero(embeddings, zero_mean)
    rival = torch.logsumexp(torch.where(other, -scale * away, -torch.inf), dim=1, keepdim=True)
    losses = torch.nn.functional.softplus(scale * away + rival)
    return losses[same].mean() + pull_to_zero(embeddings, zero_mean)
