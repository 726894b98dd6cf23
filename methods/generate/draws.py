"""Draws of a law that is known, by the latents: what the authors of a sampler take for perfect, and no oracle."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("draws", track="generate", blind=True)
class Draws:
    """Draws of a law that is known, by the latents: `first=draws(of=…)` is a perfect network of `one_more_step`.

    of: a set whose law is known, such as `mixture_digits` or `brightness`. A component for each sample, the one that is
    asked for or one by its weight, and in it what the latents make by the root of its covariance.
    """

    def __init__(self, *, of: nb.DatasetSpec) -> None:
        self.of = of

    def setup(self, device: Any) -> None:
        """Read the law. Raises `Skip` where there is none."""
        law = getattr(nb.open_dataset(self.of), "law", None)
        if law is None:
            raise nb.Skip(f"the law of {self.of.display} is not known: name mixture_digits, or another with a law")
        self.law = law

    def sample(self, latents: Any, info: Any) -> Any:
        """(N, C, H, W) → the same. Raises `Skip` for pictures of another size."""
        import torch

        if tuple(latents.shape[1:]) != self.law.shape:
            raise nb.Skip(f"draws are of pictures {self.law.shape}, not {tuple(latents.shape[1:])}")
        components = info.rng.choice(len(self.law.weights), len(latents), p=self.law.weights)
        if info.labels is not None:
            components = np.where(info.labels >= 0, info.labels, components)
        rows = self.law.drawn(latents.cpu().double().flatten(1).numpy(), components)
        return torch.from_numpy(rows).reshape(latents.shape).float().to(latents.device)
