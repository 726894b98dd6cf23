from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._pictures import Width, channels_and_scale, enlarged, head, padded
from torch import nn


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, width, 1, 1)), nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, x: Any) -> Any:
        centred = x - x.mean(dim=1, keepdim=True)
        return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-6).rsqrt() * self.weight + self.bias


def _gated(x: torch.Tensor) -> torch.Tensor:
    one, other = x.chunk(2, dim=1)
    return one * other


class _GatedBlock(nn.Module):
    """Two residual halves: mixing over space with attention over channels, and mixing over channels alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = _ChannelNorm(width), _ChannelNorm(width)
        self.widen1 = nn.Conv2d(width, 2 * width, 1)
        self.space = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.attend = nn.Conv2d(width, width, 1)
        self.join1 = nn.Conv2d(width, width, 1)
        self.widen2 = nn.Conv2d(width, 2 * width, 1)
        self.join2 = nn.Conv2d(width, width, 1)
        # At zero each block begins as the identity.
        self.beta, self.gamma = (nn.Parameter(torch.zeros(1, width, 1, 1)) for _ in range(2))

    def forward(self, x: Any) -> Any:
        y = _gated(self.space(self.widen1(self.norm1(x))))
        y = self.join1(y * self.attend(y.mean(dim=(2, 3), keepdim=True)))
        x = x + self.beta * y
        return x + self.gamma * self.join2(_gated(self.widen2(self.norm2(x))))


def _refuse_no_middle(blocks: Sequence[int]) -> None:
    if not blocks:
        raise nb.UsageError("arch nafnet: blocks=() has no number for the middle: give one at least, such as (1, 1, 2)")


@nb.arch("nafnet", cite="L. Chen et al., Simple baselines for image restoration, ECCV 2022")
@nb.checked(_refuse_no_middle)
class NAFNet(nn.Module):
    """NAFNet: blocks of depthwise convolutions, gates and channel attention, without nonlinear activations; residual.

    blocks: of each encoder level, then of the middle; the decoder has one a level. A level halves the resolution and
    doubles `width`. Sides may be of any length.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        blocks: tuple[Annotated[int, Ge(1), Le(64)], ...] = (1, 1, 2),
    ) -> None:
        super().__init__()
        channels, self.out, self.scale = channels_and_scale(given, wanted)
        self.intro = nn.Conv2d(channels, width, 3, padding=1)
        self.encoders, self.downs, self.ups, self.decoders = (nn.ModuleList() for _ in range(4))
        now = width
        for count in blocks[:-1]:
            self.encoders.append(nn.Sequential(*(_GatedBlock(now) for _ in range(count))))
            self.downs.append(nn.Conv2d(now, 2 * now, 2, stride=2))
            now *= 2
        self.middle = nn.Sequential(*(_GatedBlock(now) for _ in range(blocks[-1])))
        for _ in blocks[:-1]:
            self.ups.append(nn.Sequential(nn.Conv2d(now, 2 * now, 1, bias=False), nn.PixelShuffle(2)))
            now //= 2
            self.decoders.append(_GatedBlock(now))
        self.head = head(width, self.out, self.scale, bias=True)

    def forward(self, x: Any) -> Any:
        height, width = x.shape[-2:]
        base = padded(x, 2 ** len(self.encoders))
        y, skips = self.intro(base), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            y = encoder(y)
            skips.append(y)
            y = down(y)
        y = self.middle(y)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            y = decoder(up(y) + skips.pop())
        out = enlarged(base, self.scale, self.out) + self.head(y)
        return out[..., : height * self.scale, : width * self.scale]
