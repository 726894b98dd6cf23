"""What energies share: the logarithm of a density that need not add up to 1, of pictures with noise of any level."""

from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import torch
from noisebench.recipes.archs._inner_network import module_in
from noisebench.recipes.archs._normal import normal_law
from torch import nn

_LEAST, _MOST, _BINS = 0.002, 80.0, 32


class Energy(nn.Module):
    """The logarithm of an unnormalised density of pictures (N, C, H, W) on [-1, 1], with noise of a level in them.

    A class of it adds `log_density`. `base` is a normal law that covers the pictures: what noise-contrastive objectives
    draw from. `log_mean` (32,) is what MECO has of the normaliser at levels that are alike, none is -inf.
    """

    log_mean: torch.Tensor

    def __init__(self, base: nb.Bound, given: Any, wanted: Any, name: str) -> None:
        super().__init__()
        if len(given) != 3 or tuple(given) != tuple(wanted):
            raise nb.UsageError(f"arch {name} is of pictures, not from {tuple(given)} to {tuple(wanted)}")
        self.base = normal_law(base, tuple(given), f"arch {name}")
        self.register_buffer("log_mean", torch.full((_BINS,), -math.inf))

    def log_density(self, x: Any, sigma: Any) -> Any:
        """(N, C, H, W) and levels (N, 1, 1, 1) → (N,), in nats, up to a constant."""
        raise NotImplementedError

    def score(self, x: Any, sigma: Any, *, through: bool = False) -> Any:
        """The gradient of `log_density` by x, (N, C, H, W); `through`: to be differentiated in its turn."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.log_density(x, sigma).sum(), x, create_graph=through)
        return gradient

    def bins(self, sigma: Any) -> Any:
        """Where `log_mean` has each level: (N,), whole numbers; steps of a third of a nat."""
        share = (sigma.flatten() / _LEAST).log() / math.log(_MOST / _LEAST)
        return (share * _BINS).long().clamp(0, _BINS - 1)

    def forward(self, x: Any, sigma: Any) -> Any:
        """`log_density`."""
        return self.log_density(x, sigma)


def energy_in(net: nn.Module, who: str) -> Energy:
    """The energy in a network. Raises `UsageError` where there is none."""
    return module_in(net, Energy, f"{who} needs an energy: arch=energy(…) or normal_energy(…)")
