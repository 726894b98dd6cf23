"""Convolutions with a hole in the middle, and the switch that opens and closes it in a whole network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import noisebench as nb
import torch
from torch import nn


class HoledConv(nn.Conv2d):
    """A convolution that leaves out the middle of its window where it is `holed`; the weight there is kept."""

    ring: torch.Tensor

    def __init__(self, channels: int, width: int, side: int, *, holed: bool) -> None:
        super().__init__(channels, width, side, padding=side // 2)
        self.holed = holed
        ring = torch.ones(side, side)
        ring[side // 2, side // 2] = 0
        self.register_buffer("ring", ring, persistent=False)

    def forward(self, x: Any) -> Any:
        return self._conv_forward(x, self.weight * self.ring if self.holed else self.weight, self.bias)


@contextmanager
def with_hole(net: nn.Module, holed: bool) -> Iterator[None]:
    """All holes of a network closed or open. Raises `UsageError` where it has none."""
    layers = [layer for layer in net.modules() if isinstance(layer, HoledConv)]
    if not layers:
        raise nb.UsageError("this objective needs a network with a blind spot: give arch=dbsn")
    before = [layer.holed for layer in layers]
    for layer in layers:
        layer.holed = holed
    try:
        yield
    finally:
        for layer, was in zip(layers, before, strict=True):
            layer.holed = was
