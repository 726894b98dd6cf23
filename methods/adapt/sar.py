from __future__ import annotations

import math
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Gt, Le
from noisebench.methods.adapt._adapting import (
    Labelled,
    LearnsByStream,
    Rate,
    all_kept,
    entropy_of,
    refuse_other_channels,
)

_KEPT = 0.9
"""How much of the mean loss stays at each batch."""


@nb.method(
    "sar",
    track="adapt",
    shows_source=True,
    cite="S. Niu et al., Towards stable test-time adaptation in dynamic wild world, ICLR 2023",
)
class SAR(LearnsByStream):
    """SAR: TENT from sure pictures, by a gradient that is sharpness-aware, and from the beginning where it collapses.

    As `tent(method, lr)`, of pictures whose entropy is below the share `below` of that of an even guess, log K. The
    gradient is that at the point `rho` uphill, of the pictures that are as sure there. Where the running mean of that
    entropy falls below `reset`, one class is said of all: scales and shifts are put back to where they began. Values
    are the authors'; they step by SGD, here Adam steps as for TENT.
    """

    def __init__(
        self,
        *,
        method: Labelled,
        lr: Rate = 0.001,
        below: Annotated[float, Gt(0), Le(1)] = 0.4,
        rho: Annotated[float, Ge(0), Le(10)] = 0.05,
        reset: Annotated[float, Ge(0), Le(100)] = 0.2,
    ) -> None:
        super().__init__(method, lr, all_kept, "sar")
        self.below, self.rho, self.reset = below, rho, reset

    def begin(self, info: Any) -> None:
        """Forget what was learned."""
        super().begin(info)
        self.mean: float | None = None

    def classify(self, pictures: Any, info: Any) -> Any:
        """(B, C, H, W) → logits and those of the source, (B, 2 K). Raises `Skip` for other channels."""
        refuse_other_channels(self.inner, pictures)
        with torch.enable_grad():
            logits = self.learner.net(pictures)
            self._learn(pictures, logits)
        if self.mean is not None and self.mean < self.reset:
            self.begin(info)
        with torch.no_grad():
            return torch.cat([logits.detach(), self.learner.source(pictures)], dim=1)

    def _learn(self, pictures: Any, logits: torch.Tensor) -> None:
        """One step, from what is sure here and uphill; none where nothing is."""
        learner = self.learner
        values = [one for group in learner.optimizer.param_groups for one in group["params"]]
        limit = self.below * math.log(logits.shape[1])
        entropy = entropy_of(logits.log_softmax(dim=1))
        sure = entropy.detach() < limit
        if not sure.any():
            return
        slopes = torch.autograd.grad(entropy[sure].mean(), values)
        length = torch.stack([one.norm() for one in slopes]).norm() + 1e-12
        uphill = [self.rho * one / length for one in slopes]
        _move(values, uphill, 1)
        uphill_entropy = entropy_of(learner.net(pictures).log_softmax(dim=1))[sure]
        still = uphill_entropy.detach() < limit
        if still.any():
            learner.optimizer.zero_grad()
            loss = uphill_entropy[still].mean()
            loss.backward()  # type: ignore[no-untyped-call]
            seen = float(loss.detach())
            self.mean = seen if self.mean is None else _KEPT * self.mean + (1 - _KEPT) * seen
        _move(values, uphill, -1)
        if still.any():
            learner.optimizer.step()


def _move(values: list[torch.Tensor], by: list[torch.Tensor], sign: int) -> None:
    with torch.no_grad():
        for value, change in zip(values, by, strict=True):
            value.add_(change, alpha=sign)
