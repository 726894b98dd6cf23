from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch
from annotated_types import Ge, Le
from noisebench.recipes.archs._probes import Probe
from torch import nn


@nb.arch(
    "mlp_probe",
    cite="H. Chen et al., Understanding and mitigating the label noise in pre-training on downstream tasks, ICLR 2024",
)
class MLPProbe(Probe):
    """MLP probe: features of a network that stays as it is are moved by two layers, and a linear one classifies them.

    Z = F + s · MLP(F) of features F (D values), by a layer of `ratio` · D values with batch norm and one of D; s is a
    factor a feature, learned from 1. of: as of `linear_probe`, its weights by `parts=pretrained(of=…)`. With
    `objective=nmtune` it is NMTune. (C, H, W) → (K,).
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "small_cnn",
        ratio: Annotated[int, Ge(1), Le(64)] = 4,
    ) -> None:
        super().__init__(given, wanted, of)
        wide = ratio * self.width
        self.layers = nn.Sequential(
            nn.Linear(self.width, wide), nn.BatchNorm1d(wide), nn.ReLU(), nn.Linear(wide, self.width)
        )
        self.scale = nn.Parameter(torch.ones(self.width))
        self.head = nn.Linear(self.width, self.classes)

    def moved(self, features: Any) -> Any:
        """Z (N, D) of features (N, D)."""
        return features + self.scale * self.layers(features)

    def forward(self, x: Any) -> Any:
        return self.head(self.moved(self.features(x)))
