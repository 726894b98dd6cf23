from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Gt, Lt
from noisebench.recipes.optimizers._one_by_one import OneByOne

_SAI = "M. Xu et al., No more Adam: learning rate scaling at initialization is all you need, arXiv 2412.11768, 2024"


@nb.optimizer("sgd_sai", cite=_SAI)
class SGDSaI(OneByOne):
    """SGD-SaI: momentum with a rate for each tensor that its first gradient sets, once: half of Adam's memory.

    At the first gradient g of a tensor, s = ‖g‖ / (std(g) + eps), with the population's deviation; then
    m ← b m + (1 − b) g, from m = g, and w ← (1 − lr wd) w − lr s m. A tensor of one element has no deviation: s = 1.
    Where all of g is 0, as behind a layer that begins at 0, s would be 0 for ever: such a tensor stays as it is until
    its first gradient that is not 0.
    """

    def __init__(
        self,
        parameters: Any,
        *,
        lr: Annotated[float, Gt(0)] = 1e-2,
        momentum: Annotated[float, Ge(0), Lt(1)] = 0.9,
        weight_decay: Annotated[float, Ge(0)] = 1e-2,
        eps: Annotated[float, Gt(0)] = 1e-8,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "eps": eps})

    def move(self, weight: Any, group: dict[str, Any]) -> None:
        """Move a parameter in place."""
        state = self.state[weight]
        if not state:
            scale = _scale(weight.grad, group["eps"])
            if scale == 0:
                return
            state["scale"], state["mean"] = scale, weight.grad.clone()
        else:
            state["mean"].lerp_(weight.grad, 1 - group["momentum"])
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.sub_(state["mean"] * (group["lr"] * state["scale"]))


def _scale(gradient: Any, eps: float) -> float:
    if gradient.numel() == 1:
        return 1.0
    return float(gradient.norm() / (gradient.std(correction=0) + eps))
