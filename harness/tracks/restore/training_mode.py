"""Networks that are left in training mode: which layers then do otherwise, seen while they are called."""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

Caught = MutableMapping[Any, dict[str, Any]]
"""Layers that ran in training mode, with their running statistics as they were before the first call."""


@contextmanager
def watched() -> Iterator[Caught]:
    """Notes every layer that runs in training mode and behaves otherwise then, of whatever network is called."""
    caught: Caught = weakref.WeakKeyDictionary()
    if "torch" not in sys.modules:
        yield caught
        return
    from torch.nn.modules.module import register_module_forward_pre_hook

    def note(layer: Any, given: Any) -> None:
        if layer.training and layer not in caught and _differs(layer):
            caught[layer] = {name: buffer.clone() for name, buffer in layer.named_buffers(recurse=False)}

    hook = register_module_forward_pre_hook(note)
    try:
        yield caught
    finally:
        hook.remove()


def _differs(layer: Any) -> bool:
    from torch.nn.modules import batchnorm, dropout, instancenorm

    if isinstance(layer, batchnorm._BatchNorm | instancenorm._InstanceNorm):
        return layer.running_mean is not None
    if isinstance(layer, dropout._DropoutNd):
        return layer.p > 0
    # Stochastic depth is no part of torch; research code calls it so.
    return type(layer).__name__ == "DropPath" and bool(getattr(layer, "drop_prob", 0))


@contextmanager
def evaluating(caught: Caught) -> Iterator[None]:
    """Has the layers in evaluation mode, with the statistics that they came with; afterwards as they were."""
    layers = list(caught.items())
    now = [{name: buffer.clone() for name, buffer in layer.named_buffers(recurse=False)} for layer, _ in layers]
    try:
        for layer, statistics in layers:
            layer.load_state_dict(statistics, strict=False)
            layer.eval()
        yield
    finally:
        for (layer, _), statistics in zip(layers, now, strict=True):
            layer.load_state_dict(statistics, strict=False)
            layer.train()


def counted(caught: Caught) -> str:
    """`16 BatchNorm2d, 1 Dropout`."""
    return ", ".join(f"{n} {kind}" for kind, n in Counter(type(layer).__name__ for layer in caught).items())
