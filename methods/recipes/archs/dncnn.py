from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._pictures import ScaleNorm, Width, channels_and_scale, enlarged, head
from torch import nn


@nb.arch("dncnn", cite="K. Zhang et al., Beyond a Gaussian denoiser, IEEE TIP 26(7), 2017")
class DnCNN(nn.Module):
    """DnCNN: a stack of 3x3 convolutions with batch norm that predicts what is to be added to its input.

    bias_free: without additive constants (Mohan et al., ICLR 2020), so that a scaled input gives a scaled output.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        depth: Annotated[int, Ge(2), Le(100)] = 17,
        width: Width = 64,
        norm: bool = True,
        bias_free: bool = False,
    ) -> None:
        super().__init__()
        channels, self.out, self.scale = channels_and_scale(given, wanted)
        bias = not bias_free
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1, bias=bias), nn.ReLU()]
        for _ in range(depth - 2):
            layers.append(nn.Conv2d(width, width, 3, padding=1, bias=bias and not norm))
            if norm:
                layers.append(ScaleNorm(width) if bias_free else nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
        self.body = nn.Sequential(*layers)
        self.head = head(width, self.out, self.scale, bias=bias)

    def forward(self, x: Any) -> Any:
        return enlarged(x, self.scale, self.out) + self.head(self.body(x))
