"""Binary weights: inner layers use the sign of their weights; an estimator says what gradient passes."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge
from torch import nn
from torch.nn.utils import parametrize

_RESTE = "X.-M. Wu et al., Estimator meets equilibrium perspective: a rectified straight through estimator, ICCV 2023"
_FAR, _NEAR = 1.5, 0.1


class Sign(torch.autograd.Function):
    """sign(x), with sign(0) = 1; the gradient is that of sign(x)|x|^(1/o), by a difference near 0, none far from it."""

    @staticmethod
    def forward(ctx: Any, x: Any, exponent: float, far: float) -> Any:
        ctx.save_for_backward(x)
        ctx.exponent, ctx.far = exponent, far
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (x,) = ctx.saved_tensors
        return gradient * slope(x, ctx.exponent, ctx.far), None, None


def slope(x: Any, exponent: float, far: float = _FAR) -> Any:
    """The gradient that the estimator lets pass at `x`."""
    size = x.abs()
    power = size.clamp_min(_NEAR) ** ((1 - exponent) / exponent) / exponent
    found = torch.where(size < _NEAR, torch.as_tensor(_NEAR ** (1 / exponent) / _NEAR, dtype=x.dtype), power)
    return torch.where(size > far, torch.zeros_like(found), found)


class Binary(nn.Module):
    """A weight as it is used: its sign times the mean magnitude of the tensor, which gradients pass too."""

    def __init__(self, far: float) -> None:
        super().__init__()
        self.exponent, self.far = 1.0, far

    def forward(self, weight: Any) -> Any:
        signs = Sign.apply(weight, self.exponent, self.far)  # type: ignore[no-untyped-call]
        return signs * weight.abs().mean()


@nb.part("binary", cite=_RESTE)
class BinaryWeights:
    """Binary weights: inner layers use the sign of their weights; an estimator says what gradient passes.

    estimator: `ste` passes it where |w| is at most 1; `reste` as if the sign were sign(w)|w|^(1/o), where the exponent
    o rises from 1 to `o_end` by half a cosine. The first and the last convolution or linear layer stay as they are; a
    layer keeps one scale, the mean magnitude of its weights. One bit a weight is what a file of it needs.
    """

    def __init__(self, *, estimator: Literal["ste", "reste"] = "reste", o_end: Annotated[float, Ge(1)] = 3.0) -> None:
        self.estimator, self.o_end = estimator, o_end

    def prepare(self, net: Any) -> Any:
        """Inner layers use binary weights. Raises `UsageError` where there is none."""
        layers = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        if len(layers) < 3:
            raise nb.UsageError("part binary: the network has no layer between the first and the last")
        self.masks = [Binary(1.0 if self.estimator == "ste" else _FAR) for _ in layers[1:-1]]
        for layer, mask in zip(layers[1:-1], self.masks, strict=True):
            parametrize.register_parametrization(layer, "weight", mask)
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The exponent of this step; the batch as it is."""
        if self.estimator == "reste":
            exponent = 1 + (1 - math.cos(math.pi * step / steps)) / 2 * (self.o_end - 1)
            for mask in self.masks:
                mask.exponent = exponent
        return batch
