"""What probes share: a network that stays as it is, without the layer that gives its classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.archs._classes import channels_and_classes
from noisebench.recipes.weight_matrices import is_layer, weight_matrices
from torch import nn


def last_linear(net: nn.Module, given: Sequence[int]) -> str:
    """The name of the last linear layer that a pass on items of shape `given` executes; "" where none is.

    Raises `UsageError` where no pass could be made.
    """
    matrices = weight_matrices(net, given)
    if matrices.failure:
        raise nb.UsageError(
            f"which linear layer comes last is not known, for the forward of the network raises {matrices.failure}: "
            "mend it, or give another arch"
        )
    layers = [m.module for m in matrices if m.executed and is_layer(net, m, nn.Linear)]
    return layers[-1] if layers else ""


def without_head(of: Any, given: Sequence[int]) -> tuple[nn.Module, int]:
    """The network `of` without its last linear layer, and how many features that was given.

    Raises `UsageError` where that layer does not give the classes.
    """
    two: nn.Module = of.entry.obj(tuple(given), (2,), **of.kwargs)
    name = last_linear(two, given)
    head: Any = two.get_submodule(name) if name else None
    if head is None or head.out_features != 2:
        raise nb.UsageError(f"a probe needs a network whose last linear layer gives the classes, not {of.display}")
    # Made for as many classes as it has features, so that what it does behind its layers is of the right shape.
    net: nn.Module = of.entry.obj(tuple(given), (head.in_features,), **of.kwargs)
    net.set_submodule(name, nn.Identity())
    return net, head.in_features


class Probe(nn.Module):
    """A network `of` whose features are given to what is trained: neither its weights nor its running means move."""

    def __init__(self, given: Sequence[int], wanted: Sequence[int], of: Any) -> None:
        super().__init__()
        _, self.classes = channels_and_classes(given, wanted)
        self.body, self.width = without_head(of, given)
        self.body.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Any:
        """Training is of all but the network within."""
        super().train(mode)
        self.body.eval()
        return self

    def features(self, x: Any) -> Any:
        """Features (N, D) of pictures, without gradient."""
        with torch.no_grad():
            return self.body(x)
