from __future__ import annotations

import copy
from typing import Any

import noisebench as nb
from torch import nn

_LAZY = "L. Chizat, E. Oyallon, F. Bach, On lazy training in differentiable programming, NeurIPS 2019"


class Change(nn.Module):
    """The output of a network less that of the copy of it that stays as it was."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.start = net, copy.deepcopy(net).requires_grad_(False)

    def forward(self, x: Any) -> Any:
        return self.net(x) - self.start(x)


@nb.part("centred", cite=_LAZY)
class Centred:
    """Centred: the network gives what it has learnt, its output less that of its untrained self.

    The copy travels with the weights. A loss that is scaled against the output, such as `hinge(margin=…)`, says how
    lazily the network is trained: the smaller the margin, the less must change. The last part of a recipe that changes
    layers.
    """

    def prepare(self, net: Any) -> Any:
        """The network beside its copy."""
        return Change(net)
