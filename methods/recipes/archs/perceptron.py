from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt
from torch import nn


@nb.arch("perceptron", cite="A. Sclocchi, M. Geiger, M. Wyart, Dissecting the effects of SGD noise, ICML 2023")
class Perceptron(nn.Module):
    """Perceptron: one weight a value, no bias; the logits of two classes are 0 and f = w·x/√d.

    x are the d values of the input from their middle 0.5, times `gain`: with 16, those of `half_space`. Weights begin
    as standard Gaussians.
    """

    def __init__(self, given: Sequence[int], wanted: Sequence[int], *, gain: Annotated[float, Gt(0)] = 16.0) -> None:
        super().__init__()
        if tuple(wanted) != (2,):
            raise nb.UsageError(f"a perceptron tells two classes apart, not {tuple(wanted)}")
        self.gain = gain
        self.weight = nn.Parameter(torch.randn(math.prod(given)))

    def forward(self, x: Any) -> Any:
        f = self.gain * (x.flatten(1) - 0.5) @ self.weight / len(self.weight) ** 0.5
        return torch.stack([torch.zeros_like(f), f], dim=1)
