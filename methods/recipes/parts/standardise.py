from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
from torch import nn


class StandardisedNetwork(nn.Module):
    """A network behind (x − mean) / deviation; where it gives what has the axes of its input, that is brought back."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("deviation", torch.ones(()))

    def forward(self, x: Any) -> Any:
        y = self.net((x - self.mean) / self.deviation)
        return y * self.deviation + self.mean if y.ndim == x.ndim > 2 else y


@nb.part("standardise")
class Standardise:
    """Standardise: what a network is given has the mean 0 and the deviation 1, by the numbers of its first batch.

    One mean and one deviation of all values, kept with the weights. What a network from picture to picture gives is
    brought back to the scale of its input.
    """

    def prepare(self, net: Any) -> Any:
        """The network behind its mean and deviation, which are 0 and 1 until the first batch."""
        self.net: Any = StandardisedNetwork(net)
        return self.net

    def batch(self, batch: Any, step: int, steps: int) -> Any:
        """Take the numbers of the first batch, which stays as it is."""
        if step == 0:
            self.net.mean.copy_(batch["given"].mean())
            self.net.deviation.copy_(batch["given"].std(correction=0).clamp_min(1e-6))
        return batch
