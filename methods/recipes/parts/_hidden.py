"""Hidden layers of a network: which they are, noise on what they give, and what that does to the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.weight_matrices import WeightMatrices, WeightMatrix, is_layer, refuse_without_pass
from torch import nn

_LAYERS = nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d | nn.Linear


def called_layers(net: Any, matrices: WeightMatrices, who: str) -> list[WeightMatrix]:
    """The weights of all convolutions and linear layers that a pass calls, in its order.

    Raises `UsageError` where no pass could be made.
    """
    refuse_without_pass(who, matrices)
    return [one for one in matrices if is_layer(net, one, _LAYERS) and one.called]


def hidden_layers(net: Any, matrices: WeightMatrices, who: str) -> list[WeightMatrix]:
    """Those of `called_layers` but the last. Raises `UsageError` where there is none."""
    layers = called_layers(net, matrices, who)
    if len(layers) < 2:
        raise nb.UsageError(
            f"part {who}: the network has no convolution or linear layer before its last one: leave out the part"
        )
    return layers[:-1]


@contextmanager
def changed(layers: Sequence[Any], change: Callable[[Any, Any], Any]) -> Iterator[None]:
    """Within it each layer gives `change(layer, output)` of its output, or the output where that is None."""
    handles = [layer.register_forward_hook(lambda layer, _, output: change(layer, output)) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def passed(net: Any, inputs: Any) -> Any:
    """What a network gives; its buffers, such as what batch norms remember, stay as they are."""
    copies = {name: value.clone() for name, value in net.named_buffers()}
    return torch.func.functional_call(net, copies, inputs)


def channel_axis(layer: Any) -> int:
    """Along which axis of its output the channels of a layer lie."""
    return -1 if isinstance(layer, nn.Linear) else 1
