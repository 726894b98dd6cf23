"""N:M sparsity: of each M weights in a row of inputs the N largest stay; the others fade out while a network trains."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from torch import nn
from torch.nn.utils import parametrize

_MDGF = "A. R. Bambhaniya et al., Progressive gradient flow for robust N:M sparsity training, arXiv 2402.04744, 2024"
_NEARLY = 1e-3


def largest(weight: Any, n: int, m: int) -> Any:
    """1 where a weight is among the `n` largest in magnitude of its `m` neighbours along the input, else 0."""
    rows = weight.movedim(1, -1)
    blocks = rows.reshape(-1, m)
    kept = torch.zeros_like(blocks).scatter_(1, blocks.abs().topk(n, dim=1).indices, 1.0)
    return kept.reshape(rows.shape).movedim(-1, 1)


class Sparse(nn.Module):
    """A weight as it is used: what is not kept is times `rest`; its gradient passes as if it were the weight itself."""

    def __init__(self, n: int, m: int) -> None:
        super().__init__()
        self.n, self.m = n, m
        self.register_buffer("rest", torch.ones(()))

    def forward(self, weight: Any) -> Any:
        kept = largest(weight.detach(), self.n, self.m)
        return weight + (weight * (kept + (1 - kept) * self.rest) - weight).detach()


@nb.part("nm", cite=_MDGF)
class NM:
    """N:M sparsity: of each M weights in a row of inputs the N largest stay; the others fade while a network trains.

    decay: `exp` or `linear` fade to nothing at the share `until` of the steps (Bambhaniya et al.); `srste` has none of
    them from the beginning and pulls them to 0 by `lam` times themselves (Zhou et al., ICLR 2021); `ste` is without the
    pull; `one_shot` trains the whole network and prunes it at the end. The mask is found anew in each step. At the end
    the others are exactly 0. Layers whose inputs are no multiple of M stay whole, such as a first convolution.
    """

    def __init__(
        self,
        *,
        n: Annotated[int, Ge(1)] = 1,
        m: Annotated[int, Ge(2)] = 8,
        decay: Literal["exp", "linear", "srste", "ste", "one_shot"] = "exp",
        until: Annotated[float, Gt(0), Le(1)] = 0.75,
        lam: Annotated[float, Ge(0)] = 2e-4,
    ) -> None:
        if n >= m:
            raise nb.UsageError(f"part nm: n={n} of m={m} leaves nothing out: give a smaller n")
        self.n, self.m, self.decay, self.until, self.lam = n, m, decay, until, lam

    def prepare(self, net: Any) -> Any:
        """The layers that have blocks use their weights through a mask. Raises `UsageError` where none has."""
        self.layers: list[Any] = [
            layer
            for layer in net.modules()
            if isinstance(layer, nn.Conv2d | nn.Linear) and layer.weight.shape[1] % self.m == 0
        ]
        if not self.layers:
            raise nb.UsageError(f"part nm: no layer has a multiple of {self.m} inputs: give a wider network")
        for layer in self.layers:
            parametrize.register_parametrization(layer, "weight", Sparse(self.n, self.m))
            self._mask(layer).rest.fill_(self._rest(0.0))
        return net

    @staticmethod
    def _mask(layer: Any) -> Any:
        return layer.parametrizations.weight[0]

    def _rest(self, progress: float) -> float:
        if self.decay in ("srste", "ste"):
            return 0.0
        if self.decay == "one_shot":
            return 1.0
        done = progress / self.until
        if done >= 1:
            return 0.0
        return 1 - done if self.decay == "linear" else math.exp(math.log(_NEARLY) * done)

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """SR-STE's pull."""
        if self.decay == "srste":
            for layer in self.layers:
                weight = layer.parametrizations.weight.original
                weight.grad.add_((1 - largest(weight.detach(), self.n, self.m)) * weight.detach(), alpha=self.lam)

    def after_step(self, net: Any, step: int, steps: int) -> None:
        """What is not kept fades."""
        for layer in self.layers:
            self._mask(layer).rest.fill_(self._rest((step + 1) / steps))

    def finish(self, net: Any) -> None:
        """What is not kept is nothing."""
        for layer in self.layers:
            self._mask(layer).rest.zero_()
