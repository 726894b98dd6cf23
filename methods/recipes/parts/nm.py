from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.recipes.weight_matrices import WeightMatrix, covered_share, rewritable, trained_weight, weight_matrices
from torch import nn
from torch.nn.utils import parametrize

_MDGF = "A. R. Bambhaniya et al., Progressive gradient flow for robust N:M sparsity training, arXiv 2402.04744, 2024"
_NEARLY = 1e-3
_WIDEST = 8
"""How many times N and M the pattern `geometric` begins with."""


class Pattern(NamedTuple):
    """`n` of each `m` weights stay, and the others are times `rest`."""

    n: int
    m: int
    rest: float

    @property
    def used(self) -> float:
        """The share of weights that a pass needs."""
        return 1.0 if self.rest else self.n / self.m


def largest(weight: Any, n: int, m: int) -> Any:
    """1 where a weight is among the `n` largest in magnitude of its `m` neighbours along the input, else 0."""
    rows = weight.movedim(1, -1)
    blocks = rows.reshape(-1, m)
    kept = torch.zeros_like(blocks).scatter_(1, blocks.abs().topk(n, dim=1).indices, 1.0)
    return kept.reshape(rows.shape).movedim(-1, 1)


class Sparse(nn.Module):
    """A weight as it is used: what is not kept is times `rest`; its gradient passes as if it were the weight itself."""

    def __init__(self, pattern: Pattern) -> None:
        super().__init__()
        self.pattern = pattern

    def forward(self, weight: Any) -> Any:
        n, m, rest = self.pattern
        kept = largest(weight.detach(), n, m)
        return weight + (weight * (kept + (1 - kept) * rest) - weight).detach()


def _refuse_full(n: int, m: int) -> None:
    if n >= m:
        raise nb.UsageError(f"part nm: n={n} of m={m} leaves nothing out: give a smaller n")


@nb.part("nm", cite=_MDGF)
@nb.checked(_refuse_full)
class NM:
    """N:M sparsity: of each M weights in a row of inputs the N largest stay; the others go, by one of several recipes.

    decay: `exp` or `linear` fade the others to nothing at the share `until` of the steps; `stepwise` tightens the
    pattern in phases of equal length, 7:8, 4:8, 2:8, 1:8; `geometric` in four, 8:64, 4:32, 2:16, 1:8, or from the
    widest of these that a layer's inputs are a multiple of (all four: Bambhaniya et al.). `srste` has none of the
    others from the beginning and pulls them to 0 by `lam` times themselves (Zhou et al., ICLR 2021); `ste` is without
    the pull; `one_shot` trains the whole network and prunes it at the end. The mask is found anew in each step.

    At the end the others are exactly 0, in the checkpoint too: its zeros are the mask. Layers whose inputs are no
    multiple of M stay whole, such as a first convolution; so does what is neither a linear layer nor a 2-D convolution
    nor a projection of attention. Figures, of all weight matrices of the network: `zeros`, the share of weights that
    are 0; `used_in_training`, the share that the passes of a step needed, on average; `nonzero_weights`; `nm_covers`,
    the share of weights in layers that have blocks; and of these `kept_blocks`, the share of blocks with at most N
    others.
    """

    settles = True

    def __init__(
        self,
        *,
        n: Annotated[int, Ge(1)] = 1,
        m: Annotated[int, Ge(2)] = 8,
        decay: Literal["exp", "linear", "stepwise", "geometric", "srste", "ste", "one_shot"] = "exp",
        until: Annotated[float, Gt(0), Le(1)] = 0.75,
        lam: Annotated[float, Ge(0)] = 2e-4,
    ) -> None:
        self.n, self.m, self.decay, self.until, self.lam = n, m, decay, until, lam
        self.done = self.steps = 1

    def prepare(self, net: Any, given: Sequence[int]) -> Any:
        """The layers that have blocks use their weights through a mask. Raises `UsageError` where none has."""
        self.net, self.matrices = net, weight_matrices(net, given)
        self.covered: list[WeightMatrix] = [one for one in rewritable(net, self.matrices) if one.shape[1] % self.m == 0]
        if not self.covered:
            raise nb.UsageError(f"part nm: no layer has a multiple of {self.m} inputs: give a wider network")
        self.masks = [Sparse(self.pattern(0.0, one.shape[1])) for one in self.covered]
        for one, mask in zip(self.covered, self.masks, strict=True):
            parametrize.register_parametrization(net.get_submodule(one.module), one.parameter, mask)
        return net

    def pattern(self, progress: float, inputs: int) -> Pattern:
        """The pattern of a layer of so many inputs, from a progress of 0 to the end of training at 1."""
        n, m = self.n, self.m
        if self.decay == "stepwise":
            phases = math.ceil(math.log2(m / n)) + 1
            phase = min(int(progress * phases), phases - 1)
            return Pattern(m - 1 if phase == 0 else max(n, m // 2**phase), m, 0.0)
        if self.decay == "geometric":
            times = min(_WIDEST >> min(int(progress * 4), 3), math.gcd(inputs // m, _WIDEST))
            return Pattern(n * times, m * times, 0.0)
        if self.decay == "one_shot":
            return Pattern(n, m, 1.0)
        faded = progress / self.until
        if self.decay in ("srste", "ste") or faded >= 1:
            return Pattern(n, m, 0.0)
        return Pattern(n, m, 1 - faded if self.decay == "linear" else _NEARLY**faded)

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """The pattern of this step; the batch as it is."""
        self.done, self.steps = step + 1, steps
        for one, mask in zip(self.covered, self.masks, strict=True):
            mask.pattern = self.pattern(step / steps, one.shape[1])
        return batch

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """SR-STE's pull."""
        if self.decay == "srste":
            for weight in self._stored():
                if weight.grad is not None:
                    weight.grad.add_((1 - largest(weight.detach(), self.n, self.m)) * weight.detach(), alpha=self.lam)

    def finish(self, net: Any) -> None:
        """What is not kept is nothing, in the weights that are stored too."""
        for one, mask, weight in zip(self.covered, self.masks, self._stored(), strict=True):
            mask.pattern = Pattern(self.n, self.m, 0.0)
            with torch.no_grad():
                weight.copy_(one.of(self.net))

    def figures(self) -> dict[str, float]:
        """What is left, counted in the weights that are stored."""
        stored = [weight.detach() for weight in self._stored()]
        kept = torch.cat([(weight.movedim(1, -1).reshape(-1, self.m) != 0).sum(dim=1) for weight in stored])
        size = sum(one.size for one in self.matrices)
        whole = size - sum(one.size for one in self.covered)
        used = sum(
            one.size * sum(self.pattern(step / self.steps, one.shape[1]).used for step in range(self.done))
            for one in self.covered
        )
        nonzero = float(sum(int(trained_weight(self.net, one).count_nonzero()) for one in self.matrices))
        return {
            "zeros": 1 - nonzero / size,
            "kept_blocks": float((kept <= self.n).double().mean()),
            "used_in_training": (whole * self.done + used) / (size * self.done),
            "nonzero_weights": nonzero,
            "nm_covers": covered_share(self.covered, self.matrices),
        }

    def _stored(self) -> list[Any]:
        return [trained_weight(self.net, one) for one in self.covered]
