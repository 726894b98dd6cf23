from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from noisebench.recipes.archs._enlarging import bicubic, scale_of
from noisebench.recipes.archs._inner_network import network_within
from torch import nn


@nb.arch(
    "upsampled",
    cite="C. Dong et al., Image super-resolution using deep convolutional networks, IEEE TPAMI 38(2), 2016",
)
class Upsampled(nn.Module):
    """Upsampled: the input is enlarged by cubic convolution first, and the network within works at the size wanted.

    of: any network that keeps the size. Those that are residual then learn what cubic convolution lacks. It costs
    scale² times what the same network costs on the small picture, which `unet` or `nafnet` enlarge at their end.
    """

    def __init__(
        self, given: Sequence[int], wanted: Sequence[int], *, of: Annotated[Any, nb.Nested("arch")] = "unet"
    ) -> None:
        super().__init__()
        channels, self.scale = scale_of(given, wanted, "upsampled")
        self.within = network_within(of, channels, wanted)

    def forward(self, x: Any) -> Any:
        return self.within(bicubic(x, self.scale))
