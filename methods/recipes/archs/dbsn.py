from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._holed import HoledConv
from noisebench.recipes.archs._pictures import Width, channels_and_scale
from torch import nn

_BRANCHES = ((3, 2), (5, 3))
"""Side of the holed convolution and dilation of those behind it, by which no path leads back to the middle."""


class _DilatedBlock(nn.Module):
    """A dilated 3x3 convolution and a 1x1, residual."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
        )

    def forward(self, x: Any) -> Any:
        return x + self.layers(x)


@nb.arch(
    "dbsn",
    cite="X. Wu et al., Unpaired learning of deep image denoising, ECCV 2020; Y. I. Jang et al., C-BSN, ICCV 2023",
)
class DilatedBlindSpot(nn.Module):
    """D-BSN: a dilated network that never sees the pixel it is to tell, where its first convolutions have their hole.

    Two branches begin with a holed convolution of 3x3 and of 5x5 and go on with `blocks` of dilation 2 and 3, so that
    no path leads from a pixel to its own output. width: channels. holed: false opens the hole, with the same weights,
    as the conditional network of C-BSN is used; objectives `blind_spot` and `c_bsn` open and close it as they need it.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 64,
        blocks: Annotated[int, Ge(1), Le(100)] = 5,
        holed: bool = True,
    ) -> None:
        super().__init__()
        channels, out, scale = channels_and_scale(given, wanted)
        if scale != 1:
            raise nb.UsageError(f"arch dbsn gives pictures of the size of its input, not {scale} times as large")
        self.first = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU())
        self.branches = nn.ModuleList(
            nn.Sequential(
                HoledConv(width, width, side, holed=holed),
                nn.ReLU(),
                nn.Conv2d(width, width, 1),
                nn.ReLU(),
                *(_DilatedBlock(width, dilation) for _ in range(blocks)),
                nn.Conv2d(width, width, 1),
                nn.ReLU(),
            )
            for side, dilation in _BRANCHES
        )
        self.last = nn.Sequential(
            nn.Conv2d(2 * width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, max(1, width // 2), 1),
            nn.ReLU(),
            nn.Conv2d(max(1, width // 2), out, 1),
        )

    def forward(self, x: Any) -> Any:
        y = self.first(x)
        return self.last(torch.cat([branch(y) for branch in self.branches], dim=1))
