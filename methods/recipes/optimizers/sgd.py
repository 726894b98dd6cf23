from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt


def _refuse_no_momentum(momentum: float, nesterov: bool) -> None:
    if nesterov and momentum == 0:
        raise nb.UsageError("optimizer sgd: nesterov=true needs momentum: give momentum=0.9, or nesterov=false")


@nb.optimizer("sgd")
@nb.checked(_refuse_no_momentum)
def sgd(
    parameters: Any,
    *,
    lr: Annotated[float, Gt(0)] = 0.1,
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9,
    nesterov: bool = False,
    weight_decay: Annotated[float, Ge(0)] = 0.0,
) -> Any:
    """SGD: stochastic gradient descent with momentum."""
    import torch

    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
