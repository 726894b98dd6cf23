"""The network within another, which is given the picture and further planes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
from noisebench.recipes.archs._pictures import channels_and_scale
from torch import nn


def channels_kept(given: Sequence[int], wanted: Sequence[int], name: str) -> int:
    """Channels of a picture whose shape stays. Raises `UsageError` where another one is wanted."""
    channels, out, scale = channels_and_scale(given, wanted)
    if scale != 1 or out != channels:
        raise nb.UsageError(f"arch {name} gives pictures of the shape of its input, {tuple(given)}, not {wanted}")
    return channels


def network_within(of: Any, channels: int, given: Sequence[int]) -> nn.Module:
    """`of` for so many channels. As many come out: what a residual network adds its output to are the first planes."""
    shape = (channels, *given[1:])
    net: nn.Module = of.entry.obj(shape, shape, **of.kwargs)
    return net
