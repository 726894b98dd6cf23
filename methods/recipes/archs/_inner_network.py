"""The network within another: made for the picture and further planes, and found by its class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import noisebench as nb
from noisebench.recipes.archs._pictures import channels_and_scale
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def channels_kept(given: Sequence[int], wanted: Sequence[int], name: str) -> int:
    """Channels of a picture whose shape stays. Raises `UsageError` where another one is wanted."""
    channels, out, scale = channels_and_scale(given, wanted)
    if scale != 1 or out != channels:
        raise nb.UsageError(f"arch {name} gives pictures of the shape of its input, {tuple(given)}, not {wanted}")
    return channels


def network_within(of: Any, channels: int, given: Sequence[int]) -> nn.Module:
    """The network `of` with so many channels in and out; a residual one adds its output to the first planes."""
    shape = (channels, *given[1:])
    net: nn.Module = of.entry.obj(shape, shape, **of.kwargs)
    return net


def module_in(net: Any, kind: type[Module], needed: str) -> Module:
    """The first module of a class in a network, wrapped or not. Raises `UsageError`, `needed`, for none."""
    for module in getattr(net, "modules", tuple)():
        if isinstance(module, kind):
            return module
    raise nb.UsageError(needed)
