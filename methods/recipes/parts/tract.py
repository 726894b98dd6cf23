from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Gt
from noisebench.recipes.weight_matrices import covered_share, first_and_last, is_layer, trained_weight, weight_matrices
from torch import nn

_TRACT = "F. Petersen et al., TrAct: making first-layer pre-activations trainable, NeurIPS 2024"


@nb.part("tract", cite=_TRACT)
class TrAct:
    """TrAct: the first layer's weights take the step that would best move its pre-activations along their gradient.

    Of the layer that a pass comes to first, a convolution or linear, with inputs x (one row a place, n features) and
    gradients G of its output, the weight gradient is Gᵀx (xᵀx / B + lam I)⁻¹, where B counts rows (paper). Bias, other
    layers and optimiser are as they are. `lam` is for inputs of deviation 1, which the part `standardise` gives. Other
    first layers, such as an embedding, and convolutions of several groups are refused. Figure: `tract_covers`, the
    share of all weights that are the first layer's.
    """

    def __init__(self, *, lam: Annotated[float, Gt(0)] = 0.1) -> None:
        self.lam = lam

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """Hooks on the first layer; the network and its weights stay as they are. Raises `UsageError`."""
        matrices = weight_matrices(net, given)
        if not any(is_layer(net, one, nn.Conv2d | nn.Linear) for one in matrices):
            raise nb.UsageError("part tract: the network has no convolution or linear layer: leave out the part")
        first, _ = first_and_last("tract", matrices)
        if not first.called or not is_layer(net, first, nn.Conv2d | nn.Linear):
            raise nb.UsageError(
                f"part tract needs a convolution or linear layer first, and {first.name} is first: leave out the part"
            )
        layer: Any = net.get_submodule(first.module)
        if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or isinstance(layer.padding, str)):
            raise nb.UsageError("part tract takes a first convolution of one group, with padding in numbers")
        self.net, self.layer, self.first = net, layer, first
        self.share = covered_share([first], matrices)

        def keep(_: Any, inputs: Any) -> None:
            if torch.is_grad_enabled():
                self.inputs = inputs[0].detach()

        layer.register_forward_pre_hook(keep)
        return net

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Replace the weight gradient of the first layer. Raises `UsageError` where it has none."""
        weight = trained_weight(self.net, self.first)
        if weight.grad is None:
            raise nb.UsageError("part tract: the weight of the first layer has no gradient: leave out the part")
        columns = _columns(self.layer, self.inputs).to(weight.dtype)
        flat = weight.grad.reshape(weight.shape[0], -1)
        weight.grad.copy_(preconditioned(flat, columns, self.lam).reshape(weight.shape))

    def figures(self) -> dict[str, float]:
        """The share of all weights."""
        return {"tract_covers": self.share}


def preconditioned(gradient: Any, columns: Any, lam: float) -> Any:
    """g (xᵀx / B + lam I)⁻¹ of a gradient g (m, n) and xᵀ (n, B); solved in n or in B unknowns, the fewer."""
    n, count = columns.shape
    if n <= count:
        gram = (columns @ columns.T).div_(count)
        gram.diagonal().add_(lam)
        return torch.linalg.solve(gram, gradient.T).T
    gram = columns.T @ columns  # by the identity of Woodbury
    gram.diagonal().add_(lam * count)
    return (gradient - torch.linalg.solve(gram, (gradient @ columns).T).T @ columns.T) / lam


def _columns(layer: Any, inputs: Any) -> Any:
    """What each output of a layer is made of, a column each: (n, B)."""
    if isinstance(layer, nn.Linear):
        return inputs.reshape(-1, inputs.shape[-1]).T
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    high, wide = layer.padding
    seen = F.pad(inputs, (wide, wide, high, high), mode=mode)
    for axis, side, step, apart in zip((2, 3), layer.kernel_size, layer.stride, layer.dilation, strict=True):
        # Views, where F.unfold makes a copy that takes ten times as long.
        seen = seen.unfold(axis, (side - 1) * apart + 1, step)[..., ::apart]
    return seen.permute(1, 4, 5, 0, 2, 3).reshape(layer.in_channels * math.prod(layer.kernel_size), -1)
