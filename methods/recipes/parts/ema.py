from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Lt


@nb.part(
    "ema",
    cite="B. T. Polyak, A. B. Juditsky, Acceleration of stochastic approximation by averaging, SIAM J. Control Optim. "
    "30(4), 1992",
)
class EMA:
    """EMA: the network is validated with a running mean of its weights, and ends with it.

    After step t, counted from 0, mean = d · mean + (1 - d) · weight with d = min(decay, (1 + t) / (10 + t)), so that a
    short training does not remember its beginning. Training itself goes on from the weights. Buffers, such as the
    means of a batch norm, are those of the network.
    """

    def __init__(self, *, decay: Annotated[float, Ge(0), Lt(1)] = 0.999) -> None:
        self.decay = decay
        self.mean: dict[str, Any] = {}

    @torch.no_grad()
    def after_step(self, net: Any, step: int, steps: int) -> None:
        """The mean follows."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, weight in net.named_parameters():
            if name in self.mean:
                self.mean[name].lerp_(weight, 1 - decay)
            else:
                self.mean[name] = weight.detach().clone()

    def before_validation(self, net: Any) -> None:
        """The mean takes the place of the weights."""
        self._swap(net)

    def after_validation(self, net: Any) -> None:
        """The weights are back."""
        self._swap(net)

    def _swap(self, net: Any) -> None:
        for name, weight in net.named_parameters():
            if name in self.mean:
                weight.data, self.mean[name] = self.mean[name], weight.data

    @torch.no_grad()
    def finish(self, net: Any) -> None:
        """The mean is what is used."""
        for name, weight in net.named_parameters():
            if name in self.mean:
                weight.copy_(self.mean[name])

    def state(self) -> dict[str, Any]:
        """The mean."""
        return self.mean

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a mean."""
        self.mean = state
