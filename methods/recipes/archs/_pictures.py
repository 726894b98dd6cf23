"""What networks from picture to picture share: sides that are no multiple, and outputs that are larger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import nn

Width = Annotated[int, Ge(1), Le(4096)]


def channels_and_scale(given: Sequence[int], wanted: Sequence[int]) -> tuple[int, int, int]:
    """Channels in and out, and how many times as large the output is. Raises `UsageError` for other shapes."""
    if len(given) != 3 or len(wanted) != 3 or wanted[1] % given[1] or wanted[2] * given[1] != wanted[1] * given[2]:
        raise nb.UsageError(f"a network from picture to picture is due, not from {tuple(given)} to {tuple(wanted)}")
    return given[0], wanted[0], wanted[1] // given[1]


def head(width: int, channels: int, scale: int, *, bias: bool) -> nn.Module:
    """A last 3x3 convolution; where the output is larger, of all its sub-pixels (Shi et al., CVPR 2016)."""
    last = nn.Conv2d(width, channels * scale * scale, 3, padding=1, bias=bias)
    return last if scale == 1 else nn.Sequential(last, nn.PixelShuffle(scale))


def enlarged(x: torch.Tensor, scale: int, channels: int) -> torch.Tensor:
    """What a network adds its output to: the input, enlarged where the output is larger (nearest neighbour)."""
    x = x if x.shape[1] == channels else x.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1)
    return x if scale == 1 else F.interpolate(x, scale_factor=scale, mode="nearest")


def padded(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """The picture mirrored to the right and below, up to sides that are multiples.

    Mirrored noise is still noise. An edge that is repeated is not: a network takes its streaks for structure, and the
    error reaches far into the picture.
    """
    for axis in (-2, -1):
        side = x.shape[axis]
        if side % multiple:
            period = max(2 * (side - 1), 1)
            place = torch.arange(side + -side % multiple, device=x.device) % period
            x = x.index_select(axis, torch.minimum(place, period - place))
    return x


class ScaleNorm(nn.Module):
    """Batch norm without mean and bias, for bias-free networks: each channel over its root mean square."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, width, 1, 1))
        self.register_buffer("square", torch.ones(1, width, 1, 1))

    def forward(self, x: Any) -> Any:
        if self.training:
            square = x.square().mean(dim=(0, 2, 3), keepdim=True)
            with torch.no_grad():
                self.square += 0.1 * (square - self.square)
        else:
            square = self.square
        return x * self.scale / (square + 1e-5).sqrt()
