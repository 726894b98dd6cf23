"""The network of methods that are trained on the one picture they are given: halved, and enlarged again."""

from __future__ import annotations

from typing import Any


def hourglass(channels: int, out: int, width: int, depth: int, drop: float = 0.0) -> Any:
    """A network (1, `channels`, H, W) → (1, `out`, H, W) with `depth` halvings, as many as the sides allow.

    Each level has two 3x3 convolutions of `width` channels with batch norm and leaky ReLU on either way, and hands four
    channels across. `drop` is the share of values that each convolution on the way up loses, Bernoulli. Borders are
    reflected, and a side of one pixel repeated.
    """
    import torch
    import torch.nn.functional as F
    from torch import nn

    def same(x: Any) -> Any:
        """One pixel more on each side."""
        mode = "reflect" if min(x.shape[-2:]) > 1 else "replicate"
        return F.pad(x, (1, 1, 1, 1), mode=mode)

    class Block(nn.Module):
        def __init__(self, given: int, wanted: int, stride: int = 1, dropped: float = 0.0) -> None:
            super().__init__()
            self.conv = nn.Conv2d(given, wanted, 3, stride)
            self.norm = nn.BatchNorm2d(wanted)
            self.dropped = dropped

        def forward(self, x: Any) -> Any:
            y = self.conv(same(F.dropout(x, self.dropped)))
            # One value a channel has no deviation.
            return F.leaky_relu(self.norm(y) if y.shape[-2:].numel() > 1 else y, 0.2)

    class Hourglass(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(
                nn.Sequential(Block(width if level else channels, width, 2), Block(width, width))
                for level in range(depth)
            )
            self.across = nn.ModuleList(nn.Conv2d(width if level else channels, 4, 1) for level in range(depth))
            self.up = nn.ModuleList(
                nn.Sequential(Block(width + 4, width, dropped=drop), Block(width, width, dropped=drop))
                for _ in range(depth)
            )
            self.last = nn.Conv2d(width, out, 1)

        def forward(self, x: Any) -> Any:
            levels: list[Any] = []
            for down, across in zip(self.down, self.across, strict=True):
                if levels and min(x.shape[-2:]) < 2:
                    break
                levels.append(across(x))
                x = down(x)
            for skip, up in zip(reversed(levels), list(self.up)[: len(levels)][::-1], strict=True):
                x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
                x = up(torch.cat([x, skip], dim=1))
            return self.last(x)

    return Hourglass()
