"""What networks from picture to logits share: the shapes that they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import noisebench as nb
from torch import nn

Activation = Literal["relu", "tanh", "elu", "gelu", "silu"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "tanh": nn.Tanh, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU,
}  # fmt: skip


def activated(name: str) -> nn.Module:
    """The activation of that name."""
    return _ACTIVATIONS[name]()


def channels_and_classes(given: Sequence[int], wanted: Sequence[int]) -> tuple[int, int]:
    """Channels of the picture and number of classes. Raises `UsageError` for other shapes."""
    if len(given) != 3 or len(wanted) != 1:
        raise nb.UsageError(
            "this network takes pictures (C, H, W) and gives logits (classes,), "
            f"not {tuple(given)} to {tuple(wanted)}: train it in the track classify, or take an arch of pictures"
        )
    return given[0], wanted[0]
