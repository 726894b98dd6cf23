from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._inner_network import channels_kept
from noisebench.recipes.archs._pictures import Width, padded
from torch import nn

_WAVES = 32


class _Conditions(nn.Module):
    """What a network is told, as a vector (N, width): waves of the level, and a learned vector of the class."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.register_buffer("rates", torch.exp(torch.linspace(0, math.log(64.0), _WAVES)), persistent=False)
        self.of_level = nn.Sequential(nn.Linear(2 * _WAVES, width), nn.SiLU(), nn.Linear(width, width))
        self.of_class = nn.Embedding(classes + 1, width)  # the last one is that of no class

    def forward(self, level: Any, labels: Any) -> Any:
        turns = level[:, None] * self.rates
        none = self.of_class.num_embeddings - 1
        known = torch.full_like(level, none, dtype=torch.long) if labels is None or not none else labels
        waves = self.of_level(torch.cat([turns.sin(), turns.cos()], dim=1))
        return F.silu(waves + self.of_class(torch.where(known < 0, none, known)))


class _ConditionedBlock(nn.Module):
    """Norm, SiLU and convolution twice, scaled and shifted between by what the network is told; residual."""

    def __init__(self, channels: int, width: int, condition_width: int) -> None:
        super().__init__()
        self.before, self.between = nn.GroupNorm(_groups(channels), channels), nn.GroupNorm(_groups(width), width)
        self.first, self.second = nn.Conv2d(channels, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        self.told = nn.Linear(condition_width, 2 * width)
        self.across = nn.Identity() if channels == width else nn.Conv2d(channels, width, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.told.weight)
        nn.init.zeros_(self.told.bias)

    def forward(self, x: Any, conditions: Any) -> Any:
        scale, shift = self.told(conditions)[:, :, None, None].chunk(2, dim=1)
        y = self.between(self.first(F.silu(self.before(x)))) * (1 + scale) + shift
        return self.across(x) + self.second(F.silu(y))


def _groups(channels: int) -> int:
    return math.gcd(8, channels)


@nb.arch(
    "diffusion_unet",
    cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020; P. Dhariwal, A. Nichol, "
    "Diffusion models beat GANs on image synthesis, NeurIPS 2021",
)
class DiffusionUNet(nn.Module):
    """A U-Net of residual blocks that is told the level of the noise and the class, for pictures of any size.

    width: channels of the finest of `depth` levels, each next one with twice as many, `blocks` residual blocks each.
    unshuffle: squares of so many pixels a side become channels first, so that a pixel costs less. classes: as many are
    told apart; 0 knows none. There is no attention. Trained with `objective=denoise`, `eps`, `v` or `flow_matching`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 32,
        depth: Annotated[int, Ge(1), Le(6)] = 2,
        blocks: Annotated[int, Ge(1), Le(8)] = 1,
        unshuffle: Annotated[int, Ge(1), Le(8)] = 1,
        classes: Annotated[int, Ge(0), Le(100_000)] = 0,
    ) -> None:
        super().__init__()
        channels = channels_kept(given, wanted, "diffusion_unet") * unshuffle**2
        self.classes, self.unshuffle, self.depth, self.blocks = classes, unshuffle, depth, blocks
        condition_width = 4 * width
        self.tell = _Conditions(condition_width, classes)
        self.into = nn.Conv2d(channels, width, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, now = [], width
        for level in range(depth):
            for _ in range(blocks):
                self.down.append(_ConditionedBlock(now, width * 2**level, condition_width))
                now = width * 2**level
                skips.append(now)
        self.middle = _ConditionedBlock(now, now, condition_width)
        for level in reversed(range(depth)):
            for _ in range(blocks):
                self.up.append(_ConditionedBlock(now + skips.pop(), width * 2**level, condition_width))
                now = width * 2**level
        out = nn.Conv2d(now, channels, 3, padding=1)
        nn.init.zeros_(out.weight)
        self.last = nn.Sequential(nn.GroupNorm(_groups(now), now), nn.SiLU(), out)

    def forward(self, x: Any, level: Any = None, labels: Any = None) -> Any:
        """`x` (N, C, H, W) → the same; `level` (N,) is what it is told of the noise, `labels` (N,) of classes."""
        level = x.new_zeros(len(x)) if level is None else level
        conditions = self.tell(level, labels)
        height, width = x.shape[-2:]
        y = F.pixel_unshuffle(padded(x, self.unshuffle * 2 ** (self.depth - 1)), self.unshuffle)
        y = self.into(y.contiguous(memory_format=torch.channels_last))
        skips = []
        for place, block in enumerate(self.down):
            if place and place % self.blocks == 0:
                y = F.avg_pool2d(y, 2)
            y = block(y, conditions)
            skips.append(y)
        y = self.middle(y, conditions)
        for place, block in enumerate(self.up):
            if place and place % self.blocks == 0:
                y = F.interpolate(y, scale_factor=2, mode="nearest")
            y = block(torch.cat([y, skips.pop()], dim=1), conditions)
        return F.pixel_shuffle(self.last(y), self.unshuffle)[..., :height, :width]
