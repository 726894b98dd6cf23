from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt


@nb.optimizer("adamw", cite="I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR 2019")
def adamw(
    parameters: Any,
    *,
    lr: Annotated[float, Gt(0)] = 1e-3,
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9,
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999,
    weight_decay: Annotated[float, Ge(0)] = 1e-4,
) -> Any:
    """AdamW: Adam whose weight decay is apart from the gradient."""
    import torch

    return torch.optim.AdamW(parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay)
