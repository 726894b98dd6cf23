from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from torch.func import functional_call, jacrev

_RASKUTTI = "G. Raskutti, M. J. Wainwright, B. Yu, Early stopping and non-parametric regression, JMLR 15, 2014"
_MOST = 1 << 27
"""Values of the matrix of derivatives, at most: half a gigabyte."""


@nb.part("kernel_stop", cite=_RASKUTTI)
class KernelStop:
    """Kernel stop: the network ends with the weights at which theory stops a regression with its tangent kernel.

    For gradient descent on the mean square error of all items: `optimizer=sgd(momentum=0)`, `schedule=constant`, and a
    `batch` of all of them; no items are held out. λ are the eigenvalues of the tangent kernel of the untrained network
    at the n values of the first batch, over n, and η = 2 · rate · step. The stop is the last step before
    √(Σ min(λ, 1/η) / n) exceeds 1 / (2e · noise · η). noise: the deviation of the labels about what is expected.
    Figure: `kernel_stop`, that step, also where the training is shorter.
    """

    settles = True

    def __init__(self, *, noise: Annotated[float, Gt(0), Le(1e6)]) -> None:
        self.noise = noise
        self.eigenvalues: Any = None
        self.before: list[Any] = []
        self.step = 0
        self.kept: list[Any] = []

    def observe(self, net: Any, batch: Any, loss_of: Any, step: int, steps: int) -> None:
        """Take the kernel before the first step."""
        if step == 0:
            given: list[Any] = []
            handle = net.register_forward_pre_hook(lambda _, inputs: given.append(inputs))
            loss_of(batch)
            handle.remove()
            self.eigenvalues = _eigenvalues(net, given[0])

    def before_step(self, net: Any, step: int, steps: int) -> None:
        """Remember the weights before the first step."""
        if step == 0:
            self.before = [weight.detach().clone() for weight in _trained(net)]

    def after_step(self, net: Any, step: int, steps: int) -> None:
        """Read the rate from the first step; keep the weights of the step to stop at."""
        if step == 0:
            self.step = stopping_step(self.eigenvalues, self._rate(net), self.noise)
        if step + 1 == self.step:
            self.kept = [weight.detach().clone() for weight in _trained(net)]

    def _rate(self, net: Any) -> float:
        """The factor between gradients and the first step. Raises `UsageError` where there is none."""
        trained = _trained(net)
        moved = torch.cat([(old - new.detach()).flatten() for old, new in zip(self.before, trained, strict=True)])
        slope = torch.cat([(torch.zeros_like(w) if w.grad is None else w.grad).flatten() for w in trained])
        rate = float(moved @ slope / (slope @ slope).clamp_min(1e-30))
        if rate <= 0 or float((moved - rate * slope).norm()) > 1e-2 * float(moved.norm()):
            raise nb.UsageError(
                "part kernel_stop is for gradient descent: give optimizer=sgd(momentum=0), schedule=constant"
            )
        return rate

    @torch.no_grad()
    def finish(self, net: Any) -> None:
        """The weights kept are what is used."""
        for weight, kept in zip(_trained(net), self.kept, strict=False):
            weight.copy_(kept)

    def figures(self) -> dict[str, float]:
        """The step."""
        return {"kernel_stop": float(self.step)}

    def state(self) -> dict[str, Any]:
        """The step, and the weights kept."""
        return {"step": self.step, "kept": self.kept}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.step, self.kept = state["step"], state["kept"]


def stopping_step(eigenvalues: Any, rate: float, noise: float) -> int:
    """The last step before the kernel's complexity at η = 2 · rate · step exceeds 1 / (2e · noise · η); 1 at least.

    Their ratio grows with the step, so that halving an interval finds it.
    """

    def goes_on(step: int) -> bool:
        eta = 2 * rate * step
        complexity = math.sqrt(float(eigenvalues.clamp(0, 1 / eta).mean()))
        return complexity <= 1 / (2 * math.e * noise * eta)

    low, high = 1, 2
    while goes_on(high) and high < 1 << 40:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if goes_on(middle) else (low, middle)
    return low


def _eigenvalues(net: Any, given: tuple[Any, ...]) -> Any:
    """Those of the tangent kernel at the values of the output, over their number; float64, (n,)."""
    weights = {name: weight.detach() for name, weight in net.named_parameters() if weight.requires_grad}
    with torch.no_grad():
        values = net(*given).numel()
    size = values * sum(weight.numel() for weight in weights.values())
    if size > _MOST:
        raise nb.UsageError(
            f"part kernel_stop: {values:,} values by all weights are {size:,} derivatives, more than {_MOST:,}: "
            "give fewer items or a narrower arch"
        )
    slopes = jacrev(lambda at: functional_call(net, at, given).flatten())(weights)
    rows = torch.cat([slope.detach().reshape(values, -1) for slope in slopes.values()], dim=1).double()
    return torch.linalg.eigvalsh(rows @ rows.T / values)


def _trained(net: Any) -> list[Any]:
    return [weight for weight in net.parameters() if weight.requires_grad]
