from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le


@nb.objective("mixup", cite="H. Zhang et al., mixup: beyond empirical risk minimization, ICLR 2018")
def mixup(net: Any, batch: Any, *, alpha: Annotated[float, Ge(0), Le(100)] = 1.0) -> Any:
    """Mixup: the cross-entropy of mixed pictures, against the labels of both.

    With λ of a beta distribution (alpha, alpha), or 1 - λ where that is more, and another picture of the batch for
    each, it is λ times the loss of λ x + (1 - λ) x' against y, and (1 - λ) times that against y'; alpha=0 mixes
    nothing. Where a part tells `soft_labels` (B, K) and `weights` (B,), these are the labels, and each loss is a
    weighted mean.
    """
    given, labels = batch["given"], batch.get("soft_labels", batch["wanted"])
    weights = batch.get("weights", given.new_ones(len(given)))
    if alpha == 0:
        return weighted(net(given), labels, weights)
    drawn = torch.distributions.Beta(alpha, alpha).sample()
    share = float(torch.maximum(drawn, 1 - drawn))
    other = torch.randperm(len(given)).to(given.device)
    logits = net(share * given + (1 - share) * given[other])
    return share * weighted(logits, labels, weights) + (1 - share) * weighted(logits, labels[other], weights[other])


def weighted(logits: Any, labels: Any, weights: Any) -> Any:
    """The weighted mean of cross-entropies of logits (B, K) against labels (B,) or (B, K)."""
    losses = F.cross_entropy(logits, labels, reduction="none")
    return (weights * losses).sum() / weights.sum().clamp_min(1e-6)
