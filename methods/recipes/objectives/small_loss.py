from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le, Lt


@nb.objective(
    "small_loss",
    cite="B. Han et al., Co-teaching: robust training of deep networks with extremely noisy labels, NeurIPS 2018",
)
def small_loss(
    net: Any,
    batch: Any,
    *,
    share: Annotated[float, Ge(0), Lt(1)] = 0.4,
    ramp: Annotated[float, Gt(0), Le(1)] = 0.1,
) -> Any:
    """Small loss: of each batch only the items with the smallest losses are learned from.

    The mean of the smallest cross-entropies of a batch; the share that is left out rises from 0 to `share` in the
    share `ramp` of the steps. That is co-teaching with one network, which chooses for itself.
    """
    losses = F.cross_entropy(net(batch["given"]), batch["wanted"], reduction="none")
    left_out = share * min(1.0, float(batch["progress"][0]) / ramp)
    kept = max(1, round((1 - left_out) * len(losses)))
    return losses.topk(kept, largest=False).values.mean()
