from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt
from noisebench.recipes.archs.twins import twins_in


@nb.objective(
    "co_teaching",
    cite="B. Han et al., Co-teaching: robust training of deep networks with extremely noisy labels, NeurIPS 2018",
)
def co_teaching(
    net: Any,
    batch: Any,
    *,
    share: Annotated[float, Ge(0), Lt(1)] = 0.1,
    ramp: Annotated[float, Gt(0), Le(1)] = 0.1,
) -> Any:
    """Co-teaching: each of two networks learns from what the other finds easy.

    The sum of two means: of the cross-entropies of each network, over those labels of the batch, one an item or one a
    pixel, that are among the smallest of the other. The share that is left out rises from 0 to `share` in the share
    `ramp` of the steps. For `arch=twins`; raises `UsageError` for another network.
    """
    twins = twins_in(net)
    net(batch["given"])
    labels = batch["wanted"]
    labelled = labels.flatten() >= 0
    losses = [
        F.cross_entropy(logits.float(), labels, reduction="none", ignore_index=-100).flatten()[labelled]
        for logits in twins.outputs
    ]
    left_out = share * min(1.0, float(batch["progress"][0]) / ramp)
    kept = round((1 - left_out) * len(losses[0]))
    if not kept:
        return sum(one.sum() for one in losses)
    easy = [one.detach().topk(kept, largest=False).indices for one in losses]
    return torch.stack([losses[0][easy[1]].mean(), losses[1][easy[0]].mean()]).sum()
