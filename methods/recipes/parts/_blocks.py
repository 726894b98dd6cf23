"""Blocks of a network: the modules that it repeats, and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.parts._hidden import changed, passed
from torch import nn


def repeated_blocks(net: nn.Module, given: Sequence[int], who: str) -> list[nn.Module]:
    """The members of the longest list of modules that are of one class and have layers within, such as a transformer's.

    Raises `UsageError` where there is no such list, or a pass does not use each once, to give a tensor.
    """
    longest: list[nn.Module] = []
    for module in net.modules():
        if isinstance(module, nn.Sequential | nn.ModuleList):
            members = list(module)
            alike = len({type(one) for one in members}) == 1 and all(any(one.children()) for one in members)
            if alike and len(members) > max(len(longest), 1):
                longest = members
    remedy = "leave out the part, or give noisefit, which takes layers"
    if not longest:
        raise nb.UsageError(
            f"part {who} needs blocks, such as those of a transformer or a residual network, as an nn.Sequential or "
            f"nn.ModuleList of one class: {remedy}"
        )
    outputs: list[Any] = []
    with torch.no_grad(), changed(longest, lambda _, output: outputs.append(output)):
        passed(net, torch.zeros(2, *given, device=next(net.parameters()).device))
    if len(outputs) != len(longest) or not all(isinstance(one, torch.Tensor) for one in outputs):
        raise nb.UsageError(f"part {who} needs each block to be used once in a pass, to give a tensor: {remedy}")
    return longest


def channels_along(features: Any) -> int:
    """The axis of channels: 1 of pictures (B, C, H, W), the last of anything else."""
    return 1 if features.ndim == 4 else -1
