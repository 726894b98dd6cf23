"""Pictures enlarged before a network sees them, as the method `bicubic` does it."""

from __future__ import annotations

from collections.abc import Sequence

import noisebench as nb
import torch
import torch.nn.functional as F
from noisebench.recipes.archs._pictures import channels_and_scale

_REACH = 2
"""Pixels that cubic convolution looks at on either side."""


def bicubic(x: torch.Tensor, scale: int) -> torch.Tensor:
    """(N, C, H, W) `scale` times as large by cubic convolution, a = -0.5, borders mirrored; float32 or wider."""
    if scale == 1:
        return x
    for axis in (-2, -1):
        x = x.index_select(axis, _mirrored(x.shape[axis]).to(x.device))
    # With `antialias` torch has a = -0.5, and enlarging there is nothing to filter.
    large = F.interpolate(x, scale_factor=scale, mode="bicubic", antialias=True)
    edge = _REACH * scale
    return large[..., edge:-edge, edge:-edge]


def _mirrored(size: int) -> torch.Tensor:
    """Places of a row and of its mirror images a little beyond its ends: cba|abc|cba."""
    place = torch.arange(-_REACH, size + _REACH) % (2 * size)
    return torch.minimum(place, 2 * size - 1 - place)


def scale_of(given: Sequence[int], wanted: Sequence[int], name: str) -> tuple[int, int]:
    """Channels, which stay, and how many times as large the output is. Raises `UsageError` for other shapes."""
    channels, out, scale = channels_and_scale(given, wanted)
    if out != channels:
        raise nb.UsageError(f"arch {name} gives pictures of {channels} channels, as its input has, not {out}")
    return channels, scale
