from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch.nn.functional as F
from annotated_types import Ge, Lt


@nb.loss("cross_entropy")
def cross_entropy(output: Any, wanted: Any, *, smoothing: Annotated[float, Ge(0), Lt(1)] = 0.0) -> Any:
    """Cross-entropy of logits (B, K) against labels (B,), in nats; `smoothing` of each is spread over all classes."""
    return F.cross_entropy(output, wanted, label_smoothing=smoothing)
