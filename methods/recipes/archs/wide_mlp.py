from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from torch import nn

_JACOT = "A. Jacot, F. Gabriel, C. Hongler, Neural tangent kernel: convergence and generalization, NeurIPS 2018"


@nb.arch("wide_mlp", cite=_JACOT)
class WideMLP(nn.Module):
    """Wide MLP: the two-layer ReLU network of the theory of tangent kernels, given the level of the noise.

    f(x, t) = A ReLU(W (x, t, 1)) / √width; W begins as standard Gaussians and is trained, A is of fixed signs. Each
    unit has a twin of the other sign, so that f begins at 0. The larger `width`, the less W moves: part `linearised` is
    its limit. For models of `generate`, such as with `objective=score_regression`.
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, width: Annotated[int, Ge(2), Le(65_536)] = 512
    ) -> None:
        super().__init__()
        values, half = math.prod(given), width // 2
        self.signs: torch.Tensor
        self.wanted, self.classes = tuple(wanted), 0
        weight, signs = torch.randn(half, values + 2), torch.randint(2, (half, math.prod(wanted))) * 2.0 - 1
        self.weight = nn.Parameter(torch.cat([weight, weight]))
        self.register_buffer("signs", torch.cat([signs, -signs]) / (2 * half) ** 0.5)

    def forward(self, x: Any, level: Any = None, labels: Any = None) -> Any:
        """`x` (N, …) → (N, *wanted); `level` (N,) is what it is told of the noise."""
        level = x.new_zeros(len(x)) if level is None else level
        conditions = torch.stack([level, torch.ones_like(level)], dim=1)
        hidden = torch.relu(torch.cat([x.flatten(1), conditions], dim=1) @ self.weight.T)
        return (hidden @ self.signs).reshape(len(x), *self.wanted)
