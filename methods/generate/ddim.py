from __future__ import annotations

import itertools
import math
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._stepping import Denoised, Level, Schedule, Stepping, Steps, falling, noised_step


@nb.method("ddim", track="generate", cite="J. Song, C. Meng, S. Ermon, Denoising diffusion implicit models, ICLR 2021")
@nb.checked(falling)
class DDIMSampler(Stepping):
    """DDIM: the picture that is seen, what is left of its noise, and as much new noise as is wanted.

    eta: 0 is deterministic, and Euler's step; 1 is that of `ddpm`. New noise is drawn by the input alone. Other
    parameters as of `euler`.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        steps: Steps = 20,
        eta: Annotated[float, Ge(0), Le(1)] = 0.0,
        schedule: Schedule = "karras",
        least: Level = 0.002,
        most: Level = 80.0,
    ) -> None:
        super().__init__(model=model, steps=steps, schedule=schedule, least=least, most=most)
        self.eta = eta

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            spread = self.eta * lower * math.sqrt(1 - (lower / sigma) ** 2)
            x = noised_step(x, denoised(x, sigma), sigma, lower, spread, info)
        return x
