"""TrAct: the first layer's weights take the step that would best move its pre-activations along their gradient."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Gt
from torch import nn

_TRACT = "F. Petersen et al., TrAct: making first-layer pre-activations trainable, NeurIPS 2024"


@nb.part("tract", cite=_TRACT)
class TrAct:
    """TrAct: the first layer's weights take the step that would best move its pre-activations along their gradient.

    Of the first convolution or linear layer, with inputs x (one row a place, n features) and gradients G of its output,
    the weight gradient is Gᵀx (xᵀx / B + lam I)⁻¹, where B counts rows (paper, eq. 9). Bias, other layers and
    optimiser are as they are. Convolutions of several groups are refused.
    """

    def __init__(self, *, lam: Annotated[float, Gt(0)] = 0.1) -> None:
        self.lam = lam

    def prepare(self, net: Any) -> Any:
        """Hooks on the first layer; the network and its weights stay as they are."""
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                break
        else:
            raise nb.UsageError("part tract needs a network with a convolution or a linear layer")
        if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or isinstance(layer.padding, str)):
            raise nb.UsageError("part tract takes a first convolution of one group, with padding in numbers")
        self.layer = layer

        def keep(_: Any, inputs: Any) -> None:
            if torch.is_grad_enabled():
                self.inputs = inputs[0].detach()

        layer.register_forward_pre_hook(keep)
        return net

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Replace the weight gradient of the first layer."""
        weight = self.layer.weight
        if weight.grad is None:
            return
        rows = _rows(self.layer, self.inputs)
        flat = weight.grad.reshape(weight.shape[0], -1).to(rows.dtype)
        weight.grad.copy_(preconditioned(flat, rows, self.lam).reshape(weight.shape))


def preconditioned(gradient: Any, rows: Any, lam: float) -> Any:
    """g (xᵀx / B + lam I)⁻¹ of a gradient (m, n) and inputs x (B, n); solved in B or in n unknowns, the fewer."""
    n, features = rows.shape
    if features <= n:
        gram = (rows.T @ rows).div_(n)
        gram.diagonal().add_(lam)
        return torch.linalg.solve(gram, gradient.T).T
    gram = rows @ rows.T  # by the identity of Woodbury
    gram.diagonal().add_(lam * n)
    return (gradient - torch.linalg.solve(gram, rows @ gradient.T).T @ rows) / lam


def _rows(layer: Any, inputs: Any) -> Any:
    """What each output of a layer is made of, a row each."""
    if isinstance(layer, nn.Linear):
        return inputs.reshape(-1, inputs.shape[-1])
    mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
    high, wide = layer.padding
    padded = F.pad(inputs, (wide, wide, high, high), mode=mode)
    patches = F.unfold(padded, layer.kernel_size, dilation=layer.dilation, stride=layer.stride)
    return patches.transpose(1, 2).reshape(-1, patches.shape[1])
