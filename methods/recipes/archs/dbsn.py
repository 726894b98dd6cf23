from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._holed import HoledConv
from noisebench.recipes.archs._pictures import Width, channels_and_scale, enlarged
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
    base: what the layers add to. With `neighbours` it is the mean of the eight pixels around each, which is as blind:
    so brightness and colour need not be learned, weights begin as He et al. (ICCV 2015) have them, and the last layer
    near zero. With `none` there is no such path, and a short training does not learn brightness.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 64,
        blocks: Annotated[int, Ge(1), Le(100)] = 5,
        holed: bool = True,
        base: Annotated[Literal["none", "neighbours"], nb.Later()] = "none",
    ) -> None:
        super().__init__()
        channels, self.out, scale = channels_and_scale(given, wanted)
        self.base = base
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
            nn.Conv2d(max(1, width // 2), self.out, 1),
        )
        if base == "neighbours":
            self._start()

    def _start(self) -> None:
        """Variances of He et al., and a last layer that adds hardly anything."""
        layers = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        nn.init.normal_(layers[-1].weight, std=1e-3)

    def forward(self, x: Any) -> Any:
        y = self.first(x)
        y = self.last(torch.cat([branch(y) for branch in self.branches], dim=1))
        return y if self.base == "none" else y + enlarged(_mean_of_neighbours(x), 1, self.out)


def _mean_of_neighbours(x: torch.Tensor) -> torch.Tensor:
    """The mean of the eight pixels around each, at borders of those that there are; zero for a single pixel."""
    ring = torch.ones(1, 1, 3, 3, dtype=x.dtype, device=x.device)
    ring[..., 1, 1] = 0
    total = F.conv2d(x.flatten(0, 1)[:, None], ring, padding=1).view(x.shape)
    count = F.conv2d(torch.ones_like(x[:1, :1]), ring, padding=1)
    return total / count.clamp(min=1)
