"""A diffusion of complex spectra that goes to the noisy one while noise grows (OUVE of SGMSE+), and back in steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

Draw = Callable[[Any], Any]
"""A complex tensor → complex normal noise of its shape, of variance 1 in all: 0.5 of each part."""


@dataclass(frozen=True)
class Process:
    """dx = theta (y - x) dt + least (most / least)^t sqrt(2 L) dw, L = log(most / least), on [0, 1] from x_0, clean."""

    theta: float = 1.5
    least: float = 0.05
    most: float = 0.5

    @property
    def growth(self) -> float:
        """L, the logarithm of the ratio of the noises."""
        return math.log(self.most / self.least)

    def kept(self, t: Any) -> Any:
        """How much of x_0 - y is left at t: exp(-theta t), 0.22 at t = 1."""
        return torch.exp(-self.theta * t)

    def deviation(self, t: Any) -> Any:
        """The standard deviation of x_t about its mean, of both parts together."""
        rate = self.theta + self.growth
        variance = self.least**2 * torch.exp(-2 * self.theta * t) * torch.expm1(2 * rate * t) * self.growth / rate
        return torch.sqrt(variance)

    def diffusion(self, t: Any) -> Any:
        """g(t): what dw is multiplied by."""
        return self.least * torch.exp(self.growth * t) * math.sqrt(2 * self.growth)

    def mean(self, clean: Any, noisy: Any, t: Any) -> Any:
        """The mean of x_t, t of a shape that fits."""
        return noisy + self.kept(t) * (clean - noisy)


def sampled(
    score: Callable[[Any, Any], Any], noisy: Any, process: Process, steps: int, r: float, draw: Draw, end: float = 0.03
) -> Any:
    """From y + std(1) z in `steps` places of time from 1 to `end`, evenly spaced, to 0: the mean of the last step.

    At each place first a step of annealed Langevin dynamics of size 2 (r std)², by a score of its own, where r is more
    than 0, then one of reverse diffusion by another: 2 steps calls of `score(x, t)`, or as many as steps.
    """
    times = torch.linspace(1, end, steps, dtype=torch.float64)
    x = noisy + process.deviation(times[0]).item() * draw(noisy)
    mean = x
    for place, t in enumerate(times):
        dt = (t - times[place + 1]).item() if place + 1 < steps else t.item()
        if r > 0:
            size = 2 * (r * process.deviation(t).item()) ** 2
            x = x + size * score(x, t) + math.sqrt(2 * size) * draw(x)
        g = process.diffusion(t).item()
        mean = x - process.theta * (noisy - x) * dt + g**2 * dt * score(x, t)
        x = mean + g * math.sqrt(dt) * draw(x)
    return mean
