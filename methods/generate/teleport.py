from __future__ import annotations

import math
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.generate._base_sampler import base_sampler, sampled_from
from noisebench.methods.generate._stepping import Level
from noisebench.tracks.generate import GaussianLaws


@nb.method(
    "teleport", track="generate", cite="B. Wang, J. J. Vastola, The unreasonable effectiveness of Gaussian score "
    "approximation for diffusion models and its applications, TMLR 2024"
)  # fmt: skip
class Teleport:
    """Analytical teleportation: the first steps in closed form, as if pictures were normal; then any sampler.

    base: the sampler with its model, such as `heun(model=exact, steps=18)`. skip: the level of noise that is jumped to;
    of the levels of `base` it is the nearest one, and those above it are dropped, each for its calls of the model. of:
    where mean and covariance are from: training pictures, such as `digits(split=train)`, or a set whose law is known.
    Where a class is asked for they are those of its pictures. What does not vary in these shrinks as the noise does.
    """

    def __init__(self, *, base: nb.MethodSpec, of: nb.DatasetSpec, skip: Level = 8.4) -> None:
        self.of, self.base = of, base_sampler("teleport", base)
        inner = self.base.levels[:-1]
        start = min(range(len(inner)), key=lambda place: abs(math.log(inner[place] / skip)))
        self.most, self.base.levels = inner[0], self.base.levels[start:]

    @staticmethod
    def flags(*, of: nb.Bound, **others: Any) -> dict[str, Any]:
        """Fitted to its pictures, where these are."""
        return {"trained_on": (of.display,)} if of.kwargs.get("split") != "test" else {}

    def setup(self, device: Any) -> None:
        """Set up the model, and read the pictures. Raises `Skip` where weights are missing, `UsageError` for no law."""
        self.base.setup(device)
        self.moments = GaussianLaws(self.of)

    def sample(self, latents: Any, info: Any) -> Any:
        """Latents (N, C, H, W) → samples. Raises `Skip` for pictures of another size."""
        import torch

        if tuple(latents.shape[1:]) != self.moments.shape:
            raise nb.Skip(f"teleport knows pictures {self.moments.shape}, not {tuple(latents.shape[1:])}")
        rows = self.most * latents.cpu().double().flatten(1).numpy()
        labels = np.full(len(rows), -1) if info.labels is None else info.labels
        for label in np.unique(labels):
            chosen = labels == label
            rows[chosen] = self.moments.of(int(label)).moved(rows[chosen], self.most, self.base.levels[0])
        return sampled_from(self.base, torch.from_numpy(rows).reshape(latents.shape).to(latents.device), info)
