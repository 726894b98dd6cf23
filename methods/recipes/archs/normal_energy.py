from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Gt, Le
from noisebench.recipes.archs._energy import Energy
from torch import nn


@nb.arch("normal_energy", cite="M. Gutmann, A. Hyvärinen, Noise-contrastive estimation, AISTATS 2010")
class NormalEnergy(Energy):
    """Normal energy: -|x - mean|² / 2 spread² and a constant, both learned: the least model whose normaliser is known.

    The mean begins at 0, as the constant does. With noise of the level σ it is that density with the noise added,
    (spread² / (spread² + σ²))^(D/2) exp(-|x - mean|² / 2 (spread² + σ²)), so that its normaliser is the same at all
    levels. base: a set whose normal law the noise of `meco` and `nce` is drawn from, such as gaussian_points(spread=3).
    Trained with any objective of energies, and with `objective=likelihood`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        base: Annotated[Any, nb.Nested("dataset", "generate")],
        spread: Annotated[float, Gt(0), Le(1e6)] = 1.0,
    ) -> None:
        super().__init__(base, given, wanted, "normal_energy")
        self.spread = spread
        self.mean = nn.Parameter(torch.zeros(tuple(given)))
        self.constant = nn.Parameter(torch.zeros(()))

    def log_density(self, x: Any, sigma: Any) -> Any:
        """(N, C, H, W) and levels (N, 1, 1, 1) → (N,), in nats, up to a constant."""
        total = self.spread**2 + sigma.flatten() ** 2
        far = (x - self.mean).square().flatten(1).sum(dim=1)
        return self.constant - 0.5 * (far / total + self.mean.numel() * (total / self.spread**2).log())

    def log_normaliser(self) -> Any:
        """The logarithm of what the density adds up to, at any level."""
        return self.constant + 0.5 * self.mean.numel() * math.log(2 * math.pi * self.spread**2)
