from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Lt
from noisebench.recipes.optimizers._one_by_one import OneByOne

_DIFFGRAD = "S. R. Dubey et al., diffGrad: an optimization method for CNNs, IEEE TNNLS 31(11), 2020"


@nb.optimizer("diffgrad", cite=_DIFFGRAD)
class DiffGrad(OneByOne):
    """diffGrad: Adam whose step is held back where a gradient hardly changes.

    The step of Adam times ξ = sigmoid(|g_before − g|), which lies from 0.5 to 1; before the first gradient, 0. The
    gradient before is kept as a copy. State: three tensors a parameter, where Adam has two.
    """

    def __init__(
        self,
        parameters: Any,
        *,
        lr: Annotated[float, Gt(0)] = 1e-3,
        beta1: Annotated[float, Ge(0), Lt(1)] = 0.9,
        beta2: Annotated[float, Ge(0), Lt(1)] = 0.999,
        eps: Annotated[float, Gt(0)] = 1e-8,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps})

    def move(self, weight: Any, group: dict[str, Any]) -> None:
        """Move a parameter in place."""
        state, gradient = self.state[weight], weight.grad
        if not state:
            state["step"] = torch.zeros(())
            for name in ("mean", "square", "before"):
                state[name] = torch.zeros_like(weight)
        state["step"] += 1
        step, beta1, beta2 = int(state["step"]), group["beta1"], group["beta2"]
        state["mean"].lerp_(gradient, 1 - beta1)
        state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        friction = torch.sigmoid((state["before"] - gradient).abs())
        state["before"].copy_(gradient)
        root = (state["square"] / (1 - beta2**step)).sqrt_().add_(group["eps"])
        weight.sub_(friction * state["mean"] / root, alpha=group["lr"] / (1 - beta1**step))
