from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from torch import nn

_LEAST = 1 / 255
"""Deviation below which a channel is not made wider: it is all of one value, but for a step of 8 bits."""


@nb.arch("standardised", cite="Y. I. Jang et al., C-BSN, ICCV 2023")
class StandardisedChannels(nn.Module):
    """Standardised: a network that is given each channel of a picture with mean 0 and deviation 1, and undoes it after.

    of: the network within. A network without a path for its input, such as one with a blind spot, then need not learn
    how bright and of what colour pictures are, and meets none that are unlike those of its training in this. No
    gradient flows through mean and deviation, which are those of the whole picture it is given, and where an objective
    takes a crop apart those of the crop, as its authors have it. A pixel is one of those in its own mean, so a network
    with a blind spot is not wholly blind behind this: `dbsn(base=neighbours)` is, and needs no such help.
    """

    statistics: tuple[torch.Tensor, torch.Tensor] | None = None
    """Deviation and mean that are used in the place of those of the input, each (N, C, 1, 1)."""

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "dbsn"
    ) -> None:
        super().__init__()
        self.within = network_within(of, channels_kept(given, wanted, "standardised"), given)

    def forward(self, x: Any) -> Any:
        deviation, mean = self.statistics or _statistics(x)
        return self.within((x - mean) / deviation) * deviation + mean


def _statistics(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Deviation and mean of each channel, (N, C, 1, 1)."""
    deviation, mean = torch.std_mean(x.detach(), dim=(2, 3), keepdim=True, correction=0)
    return deviation.clamp(min=_LEAST), mean


@contextmanager
def standardised_as_a_whole(net: nn.Module, whole: torch.Tensor, parts: int) -> Iterator[None]:
    """Whatever standardises in a network does so by `whole` (N, C, H, W), of which it is given `parts` parts each."""
    deviation, mean = (one.repeat_interleave(parts, dim=0) for one in _statistics(whole))
    layers = [layer for layer in net.modules() if isinstance(layer, StandardisedChannels)]
    for layer in layers:
        layer.statistics = deviation, mean
    try:
        yield
    finally:
        for layer in layers:
            layer.statistics = None
