from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import module_in
from torch import nn


@nb.arch("twins")
class Twins(nn.Module):
    """Twins: two networks of one kind that begin apart, each for the other to learn from; in use their mean.

    of: the network, of which two are drawn. What they make of a batch is averaged, logits as they are; `co_teaching`
    trains each by what the other tells it.
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "unet"
    ) -> None:
        super().__init__()
        self.both = nn.ModuleList(of.entry.obj(given, wanted, **of.kwargs) for _ in range(2))
        self.outputs: tuple[torch.Tensor, ...] = ()
        """The output of each for the last batch."""

    def __getstate__(self) -> dict[str, Any]:
        """Without the last outputs, which belong to a step and cannot be copied."""
        return {**self.__dict__, "outputs": ()}

    def forward(self, x: Any) -> Any:
        self.outputs = tuple(net(x) for net in self.both)
        return (self.outputs[0] + self.outputs[1]) / 2


def twins_in(net: Any) -> Twins:
    """The twins within a network that parts may have wrapped. Raises `UsageError` where there are none."""
    return module_in(net, Twins, "objective co_teaching needs two networks: give arch=twins(of=…)")
