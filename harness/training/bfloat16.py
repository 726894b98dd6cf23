"""bfloat16 on processors that have no instructions for it, where torch takes twenty times as long as in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_ROUNDED = {
    _aten.convolution.default: 1,
    _aten.convolution_backward.default: 3,
    _aten.mm.default: 1,
    _aten.addmm.default: 1,
    _aten.bmm.default: 1,
    _aten.baddbmm.default: 1,
    # Attention's other outputs, for the backward pass, are float32 in any case.
    _aten._scaled_dot_product_flash_attention_for_cpu.default: 1,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward.default: 3,
}
"""Sums of products, slow in bfloat16 there → how many of their outputs, from the first, are rounded."""


class ProductsInFloat32(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Compute sums of products of bfloat16 in float32 and round once, as bfloat16 instructions do."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        rounded = _ROUNDED.get(func, 0)
        if not rounded or not any(isinstance(a, torch.Tensor) and a.dtype == torch.bfloat16 for a in args):
            return func(*args, **given)
        result = func(*(_as(a, torch.bfloat16, torch.float32) for a in args), **given)
        if isinstance(result, tuple):
            return (*(_as(one, torch.float32, torch.bfloat16) for one in result[:rounded]), *result[rounded:])
        return _as(result, torch.float32, torch.bfloat16)


def _as(value: Any, old: torch.dtype, new: torch.dtype) -> Any:
    return value.to(new) if isinstance(value, torch.Tensor) and value.dtype == old else value
