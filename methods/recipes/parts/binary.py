"""Binary weights: inner layers use the sign of their weights; an estimator says what gradient passes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge
from noisebench.recipes.weight_matrices import (
    WeightMatrices,
    WeightMatrix,
    covered_share,
    first_and_last,
    rewritable,
    trained_weight,
    weight_matrices,
)
from torch import nn
from torch.nn.utils import parametrize

_RESTE = "X.-M. Wu et al., Estimator meets equilibrium perspective: a rectified straight through estimator, ICCV 2023"
_FAR, _NEAR = 1.5, 0.1
_SOFTEST, _HARDEST = 0.1, 10.0
_LOOKS = 20
"""Steps at which error and stability are looked at."""

Kind = Literal["ste", "reste", "tanh", "ede"]


@dataclass(frozen=True)
class SlopeEstimator:
    """A function in place of the sign, whose slope gradients are multiplied by; `o` and `t` say how near it is."""

    kind: Kind
    o: float = 1.0
    t: float = 1.0

    def value(self, x: Any) -> Any:
        """What stands for sign(x)."""
        if self.kind == "ste":
            return x.clamp(-1, 1)
        if self.kind == "reste":
            return x.sign() * x.abs() ** (1 / self.o)
        return self._height * torch.tanh(self.t * x)

    def slope(self, x: Any) -> Any:
        """Its derivative: of `reste` by a difference near 0, and of `reste` and `ste` none far from it."""
        size = x.abs()
        if self.kind == "ste":
            return (size <= 1).to(x.dtype)
        if self.kind == "reste":
            power = size.clamp_min(_NEAR) ** ((1 - self.o) / self.o) / self.o
            near = torch.full_like(power, _NEAR ** (1 / self.o) / _NEAR)
            return torch.where(size < _NEAR, near, power) * (size <= _FAR)
        return self._height * self.t * (1 - torch.tanh(self.t * x) ** 2)

    @property
    def _height(self) -> float:
        return max(1 / self.t, 1.0)

    def at(self, progress: float, o_end: float) -> SlopeEstimator:
        """The same kind, as near to the sign as it is at a progress from 0 to 1."""
        rise = 1 - math.cos(math.pi * progress / 2)
        t = _SOFTEST * (_HARDEST / _SOFTEST) ** progress if self.kind == "ede" else 1.0
        return SlopeEstimator(self.kind, 1 + rise * (o_end - 1), t)


class Sign(torch.autograd.Function):
    """sign(x), with sign(0) = 1; gradients pass by the slope of an estimator."""

    @staticmethod
    def forward(ctx: Any, x: Any, estimator: SlopeEstimator) -> Any:
        ctx.save_for_backward(x)
        ctx.estimator = estimator
        return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (x,) = ctx.saved_tensors
        return gradient * ctx.estimator.slope(x), None


_sign: Any = Sign.apply


class Binary(nn.Module):
    """A weight as it is used: its sign times the mean magnitude of the tensor, which gradients pass too."""

    def __init__(self, estimator: SlopeEstimator) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, weight: Any) -> Any:
        return _sign(weight, self.estimator) * weight.abs().mean()


class BinaryInput(nn.Module):
    """An input as it is used: the sign of what is left of it when each channel has mean 0 and variance 1."""

    def __init__(self, layer: Any, estimator: SlopeEstimator) -> None:
        super().__init__()
        self.estimator = estimator
        self.norm: nn.Module
        if isinstance(layer, nn.Linear):
            self.norm = nn.BatchNorm1d(layer.in_features, affine=False)
        else:
            self.norm = nn.BatchNorm2d(layer.in_channels, affine=False)

    def forward(self, x: Any) -> Any:
        flat = x.reshape(-1, x.shape[-1]) if isinstance(self.norm, nn.BatchNorm1d) else x
        return _sign(self.norm(flat), self.estimator).reshape(x.shape)


@nb.part("binary", cite=_RESTE)
class BinaryWeights:
    """Binary weights: inner layers use the sign of their weights; an estimator says what gradient passes.

    estimator: `ste` passes it where |w| is at most 1; `reste` as if the sign were sign(w)|w|^(1/o), where the exponent
    o rises from 1 to `o_end` by a quarter of a cosine; `tanh` as if it were tanh(w); `ede` as if it were
    max(1/t, 1) tanh(tw), where t rises from 0.1 to 10 (Qin et al., CVPR 2020). Inner are convolutions, linear layers
    and projections of attention, but for the first and the last weights that a pass comes to; each keeps one scale, the
    mean magnitude of its weights. Other weights, such as learned positions, stay as they are. activations: the inputs
    of inner layers are binary too, about the mean of their channel.

    At the end each inner layer's stored weights are two values. Figures, means over 20 steps: `estimating_error`, the
    root mean square distance of the estimator from the sign at the inner weights; `gradient_variance`, of the magnitude
    of their gradients (both as in the paper); `slope_variance`, of what the estimator multiplies gradients by. And
    `packed_bytes` of all weight matrices: a bit each and a scale of 4 bytes where they are binary, else 4 bytes each;
    `binary_covers`, the share of weights that are binary.
    """

    def __init__(
        self, *, estimator: Kind = "reste", o_end: Annotated[float, Ge(1)] = 3.0, activations: bool = False
    ) -> None:
        self.estimator, self.o_end, self.activations = SlopeEstimator(estimator), o_end, activations
        self.looks, self.error, self.variance, self.slopes = 0, 0.0, 0.0, 0.0

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """Inner layers use binary weights. Raises `UsageError` where there is none, or its inputs are not seen."""
        self.net, self.matrices = net, weight_matrices(net, given)
        self.covered = _inner(net, self.matrices)
        self.users: list[Any] = []
        for one in self.covered:
            layer: Any = net.get_submodule(one.module)
            self.users.append(Binary(self.estimator))
            parametrize.register_parametrization(layer, one.parameter, self.users[-1])
            if self.activations:
                if isinstance(layer, nn.MultiheadAttention) or (one.executed and not one.called):
                    raise nb.UsageError(
                        f"part binary: attention uses {one.name} itself, which hides its inputs: give activations=false"
                    )
                layer.binary_input = BinaryInput(layer, self.estimator)
                self.users.append(layer.binary_input)
                layer.register_forward_pre_hook(lambda module, inputs: (module.binary_input(inputs[0]), *inputs[1:]))
        return net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The estimator of this step; the batch as it is. Raises `UsageError` where a part changes weights too."""
        if step == 0 and any(_rules_of(self.net, one) > 1 for one in self.covered):
            raise nb.UsageError(
                "part binary: another part changes weights of which binary keeps the signs alone: leave out one of them"
            )
        self.estimator = self.estimator.at(step / steps, self.o_end)
        for user in self.users:
            user.estimator = self.estimator
        return batch

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Look at error and stability."""
        if step % max(1, steps // _LOOKS):
            return
        latent = [trained_weight(self.net, one) for one in self.covered]
        weights = torch.cat([weight.detach().flatten() for weight in latent])
        gradients = [weight.grad.flatten() for weight in latent if weight.grad is not None]
        self.looks += 1
        self.error += float((self.estimator.value(weights) - weights.sign()).square().mean().sqrt())
        self.slopes += float(self.estimator.slope(weights).var(correction=0))
        if gradients:
            self.variance += float(torch.cat(gradients).abs().var(correction=0))

    def finish(self, net: Any) -> None:
        """The weights that are stored are those that are used."""
        with torch.no_grad():
            for one in self.covered:
                trained_weight(self.net, one).copy_(one.of(self.net))

    def state(self) -> dict[str, Any]:
        """What was seen so far."""
        return {"looks": self.looks, "error": self.error, "variance": self.variance, "slopes": self.slopes}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)

    def figures(self) -> dict[str, float]:
        """How near the estimator was to the sign, how steady its gradients, and what the weights take."""
        looks = max(self.looks, 1)
        binary = sum(-(-one.size // 8) + 4 for one in self.covered)
        return {
            "estimating_error": self.error / looks,
            "gradient_variance": self.variance / looks,
            "slope_variance": self.slopes / looks,
            "packed_bytes": float(binary + 4 * sum(one.size for one in self.matrices if one not in self.covered)),
            "binary_covers": covered_share(self.covered, self.matrices),
        }


def _inner(net: Any, matrices: WeightMatrices) -> list[WeightMatrix]:
    if len(rewritable(net, matrices)) < 3:
        raise nb.UsageError("part binary: the network has no layer between the first and the last: leave out the part")
    outer = first_and_last("binary", matrices)
    return [one for one in rewritable(net, matrices) if one not in outer]


def _rules_of(net: Any, one: WeightMatrix) -> int:
    """How many parts change a weight."""
    return len(getattr(net.get_submodule(one.module).parametrizations, one.parameter))
