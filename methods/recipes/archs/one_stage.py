from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import channels_kept, network_within
from noisebench.recipes.archs._inpainting import apart
from torch import nn


@nb.arch("one_stage")
class OneStage(nn.Module):
    """One stage: any network from picture to picture that is given the mask as a further channel.

    of: the network within, which is given the picture, 0 where it is missing, and as a last channel which pixels are
    known. Use it as `inpainter(arch=one_stage)`.
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "unet"
    ) -> None:
        super().__init__()
        self.channels = channels_kept(given, wanted, "one_stage")
        self.within = network_within(of, self.channels + 1, given)

    def forward(self, x: Any) -> Any:
        return self.within(torch.cat(apart(x, self.channels, "one_stage"), dim=1))[:, : self.channels]
