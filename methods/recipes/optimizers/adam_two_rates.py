from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt


@nb.optimizer("adam_two_rates", cite="D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015")
def adam_two_rates(
    parameters: Any,
    *,
    lr: Annotated[float, Gt(0)] = 1e-3,
    first_lr: Annotated[float, Gt(0)] = 1e-4,
    first: Annotated[int, Ge(1)] = 2,
    beta1: Annotated[float, Ge(0), Lt(1)] = 0.9,
    beta2: Annotated[float, Ge(0), Lt(1)] = 0.999,
) -> Any:
    """Adam with a rate of its own for the first tensors of a network, `first` of them: such as a basis that is learned.

    The arch `signaltrain` has two, of analysis and of synthesis. A schedule moves both rates alike.
    """
    import torch

    if first >= len(parameters):
        raise nb.UsageError(
            f"adam_two_rates: first={first}, and {len(parameters)} tensors are trained: give less, or take adam"
        )
    groups = [{"params": parameters[:first], "lr": first_lr}, {"params": parameters[first:], "lr": lr}]
    return torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2))
