from __future__ import annotations

from collections.abc import Sequence
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
    gradient flows through mean and deviation, which are those of the whole picture it is given.
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "dbsn"
    ) -> None:
        super().__init__()
        self.within = network_within(of, channels_kept(given, wanted, "standardised"), given)

    def forward(self, x: Any) -> Any:
        deviation, mean = torch.std_mean(x.detach(), dim=(2, 3), keepdim=True, correction=0)
        deviation = deviation.clamp(min=_LEAST)
        return self.within((x - mean) / deviation) * deviation + mean
