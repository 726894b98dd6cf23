from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import noisebench as nb
import torch
import torch.nn.functional as F
from annotated_types import Gt, Le
from noisebench.recipes.parts._own_forward import refuse_replaced
from noisebench.recipes.parts._row_sampling import Sampling, draw_rows, relative_errors
from noisebench.recipes.weight_matrices import (
    WeightMatrix,
    covered_share,
    first_and_last,
    is_layer,
    rewritable,
    weight_matrices,
)
from torch import nn

_WTA = (
    "Z. Liu et al., Winner-take-all column row sampling for memory efficient adaptation of language model, NeurIPS 2023"
)
_FEWEST = 10
"""Rows that are kept at least (as in the authors' code)."""
_FLOOR = 0.1
"""Of the mean norm: so much is a row's gradient taken to be at least, for one that vanished may be back."""
_LOOKS = 4


class _Layer:
    """A layer whose inputs are sampled, and the norms of its output's gradients as each item last had them."""

    def __init__(self, module: Any) -> None:
        self.pointwise = isinstance(module, nn.Conv2d)
        self.norms: Any = None

    def rows(self, x: Any) -> Any:
        """(…, features) of a linear layer or (B, features, H, W) as (n, features) without a copy, or with one."""
        return x.flatten(2).transpose(1, 2).reshape(-1, x.shape[1]) if self.pointwise else x.reshape(-1, x.shape[-1])

    def row_norms(self, x: Any) -> Any:
        """The norm of each row, float32 (n,)."""
        norms = torch.linalg.vector_norm(x, dim=1 if self.pointwise else -1, dtype=torch.float32)
        return norms.reshape(-1)

    def taken(self, x: Any, rows: Any) -> Any:
        """These rows alone, (k, features)."""
        if not self.pointwise:
            return x.reshape(-1, x.shape[-1])[rows]
        places = x.shape[2] * x.shape[3]
        return x.flatten(2)[rows // places, :, rows % places]

    def known_norms(self, n: int, index: Any) -> Any:
        """Norms of the gradients of `n` rows as their items last had them; 1 where nothing is known."""
        if index is None or n % len(index) or self.norms is None or self.norms.shape[1] != n // len(index):
            return 1.0
        items = self.norms.shape[0]
        norms = self.norms[index.clamp_max(items - 1)].float() * (index < items).unsqueeze(1)
        seen = norms > 0
        if not seen.any():
            return 1.0
        mean = norms[seen].mean()
        return torch.where(seen, norms.clamp_min(_FLOOR * mean), mean).reshape(-1)

    def remember(self, norms: Any, index: Any) -> None:
        """Keep the norms of a batch of items, in half of the bytes: they are only ever compared."""
        if index is None or len(norms) % len(index):
            return
        norms = norms.nan_to_num(0.0, 0.0, 0.0).reshape(len(index), -1)
        size = (int(index.max()) + 1, norms.shape[1])
        if self.norms is None or self.norms.shape[1] != size[1]:
            self.norms = torch.zeros(0, size[1], dtype=torch.bfloat16, device=norms.device)
        if len(self.norms) < size[0]:
            more = torch.zeros(size[0] - len(self.norms), size[1], dtype=torch.bfloat16, device=norms.device)
            self.norms = torch.cat([self.norms, more])
        self.norms[index] = norms.to(torch.bfloat16)


class _Product(torch.autograd.Function):
    """A linear layer or a 1×1 convolution: exact, but for the weight gradient, which is of the rows that were kept."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, bias: Any, layer: _Layer, index: Any, k: int, sampling: Sampling) -> Any:
        out = F.conv2d(x, weight, bias) if layer.pointwise else F.linear(x, weight, bias)
        norms = layer.row_norms(x)
        rows, factors = draw_rows(norms * layer.known_norms(len(norms), index), k, sampling)
        kept = layer.taken(x, rows) * factors.unsqueeze(1).to(x.dtype)
        ctx.save_for_backward(weight, kept.to(out.dtype), rows.to(torch.int32))
        ctx.layer, ctx.index = layer, index
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Any) -> Any:
        weight, kept, rows = ctx.saved_tensors
        layer, used = ctx.layer, ctx.needs_input_grad
        layer.remember(layer.row_norms(gradient), ctx.index)
        to_x = to_bias = None
        if used[0]:
            matrix = weight.to(gradient.dtype)
            to_x = F.conv_transpose2d(gradient, matrix) if layer.pointwise else gradient @ matrix
        to_weight = (layer.taken(gradient, rows).T @ kept).reshape(weight.shape)
        if used[2]:
            features = 1 if layer.pointwise else gradient.ndim - 1
            to_bias = gradient.sum(dim=[axis for axis in range(gradient.ndim) if axis != features])
        return to_x, to_weight, to_bias, None, None, None, None


_product: Any = _Product.apply


@nb.part("wta_crs", cite=_WTA)
class WTACRS:
    """WTA-CRS: layers keep a few rows of their inputs for the weight gradient, the largest and some of the others.

    Of linear layers and 1×1 convolutions that a pass calls, all but its last, whose inputs have n rows (items ×
    places): `ratio` n of them, 10 at least. sampling: `wta` keeps the most probable as they are and draws of the
    others, `crs` draws all, `topk` draws none and is biased. What a layer gives, and the gradients of inputs and
    biases, are exact. A row's probability goes with its norm times that of its gradient when its item was last trained
    on, kept for each layer, item and place in 2 bytes; before that, and where batches tell no `index`, with its own
    norm alone.

    Figures, means over layers and four looks: `variance_wta`, `variance_crs`, `bias_topk`, the expected squared error
    of the weight gradient over its squared norm at this `ratio`; `norm_bytes`, of the norms that are kept. And
    `wta_crs_covers`, the share of all weights that are in such layers: torch's own attention uses its projections
    itself, and they keep all rows.
    """

    def __init__(self, *, ratio: Annotated[float, Gt(0), Le(1)] = 0.3, sampling: Sampling = "wta") -> None:
        self.ratio, self.sampling = ratio, sampling
        self.index: Any = None
        self.errors: dict[str, list[float]] = {"wta": [], "crs": [], "topk": []}

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """Layers keep a sample. Raises `UsageError` where none can, or where another part has their `forward`."""
        matrices = weight_matrices(net, given)
        _, last = first_and_last("wta_crs", matrices)
        covered = [one for one in rewritable(net, matrices) if one.called and one != last and _is_sampled(net, one)]
        if not covered:
            raise nb.UsageError(
                "part wta_crs: no layer before the last is linear or a 1×1 convolution: leave out the part"
            )
        self.share = covered_share(covered, matrices)
        chosen = [net.get_submodule(one.module) for one in covered]
        refuse_replaced("wta_crs", chosen)
        self.layers: dict[Any, _Layer] = {module: _Layer(module) for module in chosen}
        for module, layer in self.layers.items():
            module.forward = partial(self._forward, module, layer)
        return net

    def _rows_of(self, n: int) -> int:
        return max(_FEWEST, round(self.ratio * n))

    def _forward(self, module: Any, layer: _Layer, x: Any) -> Any:
        n = x.numel() // module.weight.shape[1]
        k = self._rows_of(n)
        if k < n and torch.is_grad_enabled() and module.weight.requires_grad:
            return _product(x, module.weight, module.bias, layer, self.index, k, self.sampling)
        return type(module).forward(module, x)

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Which items these are; the batch as it is."""
        self.index = batch.get("index")
        return batch

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """How far each estimate would be off, from the exact gradients of this batch."""
        if step not in {round(steps * (look + 1) / (_LOOKS + 1)) for look in range(_LOOKS)}:
            return
        seen: list[tuple[_Layer, Any, Any]] = []
        hooks = []
        forwards = [module.forward for module in self.layers]
        for module, layer in self.layers.items():
            module.forward = partial(type(module).forward, module)
            hooks.append(
                module.register_forward_hook(lambda _, x, out, layer=layer: seen.append((layer, x[0].detach(), out)))
            )
        loss = loss_of(batch)
        gradients = torch.autograd.grad(loss, [out for _, _, out in seen], allow_unused=True) if seen else ()
        for hook in hooks:
            hook.remove()
        for module, forward in zip(self.layers, forwards, strict=True):
            module.forward = forward
        for (layer, x, _), gradient in zip(seen, gradients, strict=True):
            norms = layer.row_norms(x)
            k = self._rows_of(len(norms))
            if gradient is not None and k < len(norms):
                weights = norms * layer.known_norms(len(norms), self.index)
                for name, error in relative_errors(layer.rows(x), layer.rows(gradient), weights, k).items():
                    self.errors[name].append(error)

    def state(self) -> dict[str, Any]:
        """The norms by layer, and what was seen."""
        return {"norms": [layer.norms for layer in self.layers.values()], "looked": self.errors}

    def load(self, state: Any) -> None:
        """Go on from there."""
        for layer, norms in zip(self.layers.values(), state["norms"], strict=True):
            layer.norms = norms
        self.errors = state["looked"]

    def figures(self) -> dict[str, float]:
        """Expected squared errors, relative, and the bytes of the norms."""
        kept_norms = [layer.norms for layer in self.layers.values() if layer.norms is not None]
        figures = {
            "norm_bytes": float(sum(norms.numel() * norms.element_size() for norms in kept_norms)),
            "wta_crs_covers": self.share,
        }
        for name, figure in (("wta", "variance_wta"), ("crs", "variance_crs"), ("topk", "bias_topk")):
            if self.errors[name]:
                figures[figure] = sum(self.errors[name]) / len(self.errors[name])
        return figures


def _is_sampled(net: Any, one: WeightMatrix) -> bool:
    if not is_layer(net, one, nn.Conv2d | nn.Linear):
        return False
    layer = net.get_submodule(one.module)
    return isinstance(layer, nn.Linear) or _is_pointwise(layer)


def _is_pointwise(layer: Any) -> bool:
    plain = (layer.kernel_size, layer.stride, layer.groups) == ((1, 1), (1, 1), 1)
    return plain and layer.padding in ((0, 0), "same", "valid")
