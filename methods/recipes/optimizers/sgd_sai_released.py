from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.optimizers.sgd_sai import SGDSaI, _scale


@nb.optimizer("sgd_sai_released", cite="M. Xu et al., No more Adam, 2024; the authors' code, v1.0.4")
class ReleasedSGDSaI(SGDSaI):
    """SGD-SaI with its scales divided by their largest, as in the code of its authors: no tensor moves faster than lr.

    The largest is that of the first step, and of a tensor of one element, whose scale is 1 here. All else is `sgd_sai`;
    weight decay is by lr as it is.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; the first one finds the largest scale."""
        if "largest" not in self.param_groups[0]:
            if closure is not None:
                with torch.enable_grad():
                    closure()
            scales = [
                _scale(weight.grad, group["eps"])
                for group in self.param_groups
                for weight in group["params"]
                if weight.grad is not None
            ]
            for group in self.param_groups:
                group["largest"] = max([scale for scale in scales if scale > 0], default=1.0)
        return super().step(closure)

    def move(self, weight: Any, group: dict[str, Any]) -> None:
        """Move a parameter in place."""
        rate, decay = group["lr"] / group["largest"], group["weight_decay"] * group["largest"]
        super().move(weight, {**group, "lr": rate, "weight_decay": decay})
