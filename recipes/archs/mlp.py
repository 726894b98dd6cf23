"""MLP: linear layers with ReLU in between, from all values of an input to all values of what is wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from torch import nn


@nb.arch("mlp")
class MLP(nn.Module):
    """MLP: linear layers with ReLU in between, from all values of an input to all values of what is wanted.

    hidden: widths of the layers in between; () is a linear map. It takes inputs of the size it was trained on.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        hidden: tuple[Annotated[int, Ge(1), Le(65_536)], ...] = (256,),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.given, self.wanted = tuple(given), tuple(wanted)
        widths = (math.prod(self.given), *hidden, math.prod(self.wanted))
        layers: list[nn.Module] = []
        for into, out in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(into, out, bias=bias), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Any) -> Any:
        if tuple(x.shape[1:]) != self.given:
            raise nb.Skip(f"this network is for inputs of {self.given}, not {tuple(x.shape[1:])}")
        return self.layers(x.flatten(1)).unflatten(1, self.wanted)
