from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._classes import Activation, activated
from torch import nn


@nb.arch("mlp")
class MLP(nn.Module):
    """Multilayer perceptron: linear layers on all values of the input at once; logits, or a picture.

    hidden: the widths of the layers between; none makes it linear. For inputs of one size.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        hidden: tuple[Annotated[int, Ge(1), Le(65_536)], ...] = (64,),
        activation: Activation = "relu",
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.wanted = tuple(wanted)
        widths = [math.prod(given), *hidden, math.prod(wanted)]
        layers: list[nn.Module] = [nn.Flatten()]
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b, bias=bias), activated(activation)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Any) -> Any:
        return self.layers(x).reshape(len(x), *self.wanted)
