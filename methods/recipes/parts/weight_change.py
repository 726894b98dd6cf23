from __future__ import annotations

from typing import Any

import noisebench as nb
import torch


@nb.part("weight_change")
class WeightChange:
    """Weight change: how far training moves the weights, in all and against their norm; it only looks.

    Figures: `weight_change`, the norm of the difference of all trained weights from their beginning, and
    `relative_weight_change`, that over the norm at the beginning.
    """

    def __init__(self) -> None:
        self.start: list[Any] = []
        self.measurements: dict[str, float] = {}

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Remember the weights before the first step."""
        if step == 0:
            self.start = [weight.detach().clone() for weight in _trained(net)]

    def finish(self, net: Any) -> None:
        """Measure the way from there."""
        moved = [weight.detach() - start for weight, start in zip(_trained(net), self.start, strict=True)]
        change, norm = _norm(moved), _norm(self.start)
        self.measurements = {"weight_change": change, "relative_weight_change": change / norm if norm else 0.0}

    def figures(self) -> dict[str, float]:
        """Both."""
        return self.measurements

    def state(self) -> dict[str, Any]:
        """The weights at the beginning."""
        return {"start": self.start}

    def load(self, state: dict[str, Any]) -> None:
        """The same."""
        self.start = state["start"]


def _trained(net: Any) -> list[Any]:
    return [weight for weight in net.parameters() if weight.requires_grad]


def _norm(tensors: list[Any]) -> float:
    return float(torch.stack([tensor.double().square().sum() for tensor in tensors]).sum().sqrt())
