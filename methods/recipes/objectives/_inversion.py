"""What objectives of a token share: noisy pictures, how far what a model sees in them is off, and gradients."""

from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs.token import Token
from noisebench.recipes.objectives._denoising import LEAST, MOST, uniform_draws
from torch.overrides import TorchFunctionMode

Time = Annotated[float, Ge(0), Le(1)]


def token_denoised(net: Any, x: Any, sigma: Any, labels: Any = None) -> Any:
    """How a network of `arch=token` is asked by a sampler."""
    return net.denoised(x, sigma, labels)


def refuse_no_span(least: float, most: float) -> None:
    """Raise `UsageError` for times that do not go up."""
    if least >= most:
        raise nb.UsageError(f"least={least:g} is not below most={most:g}: give less for least")


def noised(batch: Any, least: float, most: float, name: str) -> tuple[Any, Any, Any]:
    """Clean pictures on [-1, 1], these with noise, and its deviations (N, 1, 1, 1), at times from `least` to `most`.

    The time is that of `objective=v`: the noise is tan(π/2 time). Raises `UsageError` where least is not below most.
    """
    if least >= most:
        raise nb.UsageError(f"objective {name}: least={least:g} is not below most={most:g}: give less for least")
    clean = 2 * batch["wanted"] - 1
    time = least + (most - least) * uniform_draws(batch)
    sigma = torch.tan(math.pi / 2 * time).clamp(LEAST, MOST)
    return clean, clean + sigma * torch.randn_like(clean), sigma


def velocity_error(estimate: Any, clean: Any, sigma: Any) -> Any:
    """The mean squared error of the velocity, as of `objective=v`, of pictures `estimate` in place of `clean` ones."""
    off = (estimate - clean).double().square().mean(dim=(1, 2, 3), keepdim=True)
    return (off * (1 + sigma.double() ** -2)).mean()


def token_loss(token: Token, clean: Any, x: Any, sigma: Any, vector: Any) -> Any:
    """That error of a model which is told the vector (D,)."""
    return velocity_error(token.denoised_with(x, sigma, vector), clean, sigma)


class _Rounded(torch.autograd.Function):
    """Rounds, and lets the gradient through as it is; holds nothing."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        return gradient


_rounded: Any = _Rounded.apply


class StraightThrough(TorchFunctionMode):
    """Within it gradients pass each rounding as if it were none (Bengio et al., arXiv 1308.3432)."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.round, torch.Tensor.round) and len(args) == 1 and not kwargs and args[0].requires_grad:
            with torch._C.DisableTorchFunction():
                return _rounded(args[0])
        return func(*args, **(kwargs or {}))


def with_gradient(value: Any, vector: Any, gradient: Any) -> Any:
    """A scalar of that value whose gradient for `vector` (D,) is `gradient`; for its way back it holds no tensor."""
    seen = vector.view_as(vector)
    seen.register_hook(lambda _: gradient)
    total = seen.sum()
    return total - total.detach() + value.to(total)
