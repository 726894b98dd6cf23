from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from torch import nn

_KINDS = ("linear", "norm", "attention", "other")
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.modules.batchnorm._BatchNorm)


@nb.part("saved_by_kind")
class SavedByKind:
    """Saved by kind: what a step saves for its backward pass, by the layer that does; it only looks.

    Figures, bytes of the first step: `saved_linear_bytes`, by linear layers and convolutions, their inputs, which row
    sampling makes fewer; `saved_norm_bytes`, by normalisations; `saved_attention_bytes`, by modules whose names end in
    Attention, but for the layers within; `saved_other_bytes`, by activations, embeddings and the loss. What several
    save counts once, where it is saved first; weights do not count.
    """

    def __init__(self) -> None:
        self.saved = dict.fromkeys(_KINDS, 0)

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Add up what the first step saves."""
        if step:
            return
        running: list[Any] = []
        seen = {weight.untyped_storage().data_ptr() for weight in net.parameters()}
        self.saved = dict.fromkeys(_KINDS, 0)

        def pack(tensor: Any) -> Any:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in seen:
                seen.add(storage.data_ptr())
                self.saved[_kind_of(running)] += storage.nbytes()
            return tensor

        hooks = []
        for module in net.modules():
            hooks.append(module.register_forward_pre_hook(lambda module, _: running.append(module)))
            hooks.append(module.register_forward_hook(lambda *_: running.pop() and None))
        try:
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                loss_of(batch)
        finally:
            for hook in hooks:
                hook.remove()

    def state(self) -> dict[str, Any]:
        """What was added up."""
        return {"saved": self.saved}

    def load(self, state: dict[str, Any]) -> None:
        """The same."""
        self.saved = state["saved"]

    def figures(self) -> dict[str, float]:
        """Bytes by kind."""
        return {f"saved_{kind}_bytes": float(count) for kind, count in self.saved.items()}


def _kind_of(running: list[Any]) -> str:
    """The kind of the innermost module that is at work."""
    if not running:
        return "other"
    if isinstance(running[-1], nn.Linear | nn.modules.conv._ConvNd):
        return "linear"
    if isinstance(running[-1], _NORMS):
        return "norm"
    return "attention" if type(running[-1]).__name__.endswith("Attention") else "other"
