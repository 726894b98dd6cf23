"""Adam whose steps are damped: what is added to the root of the mean of squares is a choice."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt


@nb.optimizer("damped_adam", cite="D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015")
def damped_adam(
    parameters: Any,
    *,
    lr: Annotated[float, Gt(0)] = 5e-3,
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9,
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999,
    eps: Annotated[float, Gt(0)] = 1e-3,
) -> Any:
    """Adam whose steps are damped: lr times the mean of gradients over `eps` plus the root of the mean of squares.

    Of gradients much smaller than `eps` steps are those of momentum, lr / eps times the mean. The defaults are those of
    ZOODiP (arXiv 2503.14868) and its code.
    """
    import torch

    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), eps=eps)
