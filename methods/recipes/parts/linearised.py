from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from torch import nn
from torch.func import functional_call, jvp

_LEE = "J. Lee et al., Wide neural networks of any depth evolve as linear models under gradient descent, NeurIPS 2019"


class TangentExpansion(nn.Module):
    """A network's expansion about the weights it had: its output there, and its derivative along `moved`."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.start = net
        self.names = [name for name, weight in net.named_parameters() if weight.requires_grad]
        self.moved = nn.ParameterList(torch.zeros_like(net.get_parameter(name)) for name in self.names)
        net.requires_grad_(False)
        if hasattr(net, "classes"):
            self.classes = net.classes

    def forward(self, *given: Any) -> Any:
        weights = {name: self.start.get_parameter(name) for name in self.names}
        along = dict(zip(self.names, self.moved, strict=True))
        output, slope, *_ = jvp(lambda at: functional_call(self.start, at, given), (weights,), (along,))
        return output + slope


@nb.part("linearised", cite=_LEE)
class LinearisedPart:
    """Linearised: the network is replaced by its expansion about its untrained weights, of first order in them.

    Gradient descent on it is regression with the tangent kernel of the network. Beside the same recipe without this
    part it says how far training follows the kernel; the wider the network, the nearer. It travels with the weights,
    and a step costs two to three times as much. The last part of a recipe that changes layers.
    """

    def prepare(self, net: Any) -> Any:
        """The expansion. Raises `UsageError` for a network whose batch norm depends on the batch."""
        norms = [type(one).__name__ for one in net.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
        if norms:
            raise nb.UsageError(
                f"part linearised: the network has {norms[0]}, whose output is no function of weights and input alone: "
                "give an arch without it, such as small_cnn(norm=false)"
            )
        return TangentExpansion(net)
