from __future__ import annotations

import itertools
import math
from typing import Any, Literal

import noisebench as nb
from noisebench.methods.generate._stepping import (
    Denoised,
    Level,
    Schedule,
    Stepping,
    Steps,
    falling,
    noised_step,
    normal,
)


@nb.method(
    "ddpm", track="generate", cite="J. Ho, A. Jain, P. Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020"
)
@nb.checked(falling)
class DDPM(Stepping):
    """DDPM: ancestral steps, each with new noise: what is drawn is the next level given this one and the picture seen.

    variance: of a step given the picture too (`small`, which is right for one picture alone), or of a step of the
    diffusion (`large`, right for normal pictures), the two choices of Ho et al. New noise is drawn by the input alone.
    Other parameters as of `euler`.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        steps: Steps = 20,
        variance: Literal["small", "large"] = "small",
        schedule: Schedule = "karras",
        least: Level = 0.002,
        most: Level = 80.0,
    ) -> None:
        super().__init__(model=model, steps=steps, schedule=schedule, least=least, most=most)
        self.variance = variance

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            share = (lower / sigma) ** 2
            spread = lower * math.sqrt(1 - share)
            clean = denoised(x, sigma)
            if self.variance == "small" or not lower:
                x = noised_step(x, clean, sigma, lower, spread, info)
            else:
                large = math.sqrt((1 + lower**2) * (sigma**2 - lower**2) / (1 + sigma**2))
                x = clean + share * (x - clean) + large * normal(x, info)
        return x
