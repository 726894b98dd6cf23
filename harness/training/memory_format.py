"""The memory layout of a network's weights: it changes their speed, not their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class NoticingChannelsLast(TorchFunctionMode):
    """Within this context, `requested` becomes true when a network asks for channels last: it supports them."""

    requested = False

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call `func`, and note whether it asks for channels last."""
        named = kwargs or {}
        if func is torch.Tensor.contiguous and named.get("memory_format") is torch.channels_last:
            self.requested = True
        return func(*args, **named)


def lay_channels_last(net: nn.Module) -> None:
    """Lay the weights of convolutions out with channels last, so that their outputs are, even for a one-channel input.

    Torch takes one channel for channels first. On grey pictures this makes a U-Net's step a sixth faster on a CPU.
    """
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(layer.weight, nn.Parameter):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)


def lay_out_as(net: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give each parameter of `net` the memory layout of the tensor of the same name and shape."""
    for name, parameter in net.named_parameters():
        if name in tensors and tensors[name].shape == parameter.shape:
            parameter.data = torch.empty_like(tensors[name], dtype=parameter.dtype, device=parameter.device)
