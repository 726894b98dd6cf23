"""What optimisers share that move each parameter by its own gradient and state."""

from __future__ import annotations

from typing import Any

import torch


class OneByOne(torch.optim.Optimizer):
    """Steps by `move(weight, group)` of each parameter that has a gradient."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step; with `closure`, what it returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self.move(weight, group)
        return loss

    def move(self, weight: Any, group: dict[str, Any]) -> None:
        """Move a parameter in place; gradients are not recorded."""
        raise NotImplementedError
