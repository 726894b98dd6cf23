from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch.nn.functional as F
from annotated_types import Gt, Le

_GCE = "Z. Zhang, M. Sabuncu, Generalized cross entropy loss for training deep networks with noisy labels, NeurIPS 2018"


@nb.loss("gce", cite=_GCE)
def gce(output: Any, wanted: Any, *, q: Annotated[float, Gt(0), Le(1)] = 0.7) -> Any:
    """Generalised cross-entropy: between cross-entropy and the error of the probability; wrong labels weigh less.

    The mean of (1 - p ** q) / q, with p the probability of the label (B,) by the logits (B, K): cross-entropy for q to
    0, and 1 - p for q=1.
    """
    log_probability = F.log_softmax(output, dim=1).gather(1, wanted[:, None])[:, 0]
    return -((q * log_probability).expm1() / q).mean()
