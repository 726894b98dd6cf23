from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt


@nb.optimizer("adam", cite="D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015")
def adam(
    parameters: Any,
    *,
    lr: Annotated[float, Gt(0)] = 1e-3,
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9,
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999,
) -> Any:
    """Adam: steps by the mean of gradients over the root of the mean of their squares."""
    import torch

    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2))
