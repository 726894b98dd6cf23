from __future__ import annotations

import itertools
from typing import Any

import noisebench as nb
from noisebench.methods.generate._stepping import Denoised, Stepping, falling, slope


@nb.method(
    "heun", track="generate", cite="T. Karras et al., Elucidating the design space of diffusion-based generative "
    "models, NeurIPS 2022"
)  # fmt: skip
@nb.checked(falling)
class Heun(Stepping):
    """Heun: the probability flow by the mean of two slopes a step, as EDM has it (algorithm 1).

    Two calls of the model a step, but for the last one, which is Euler's. Its error falls with the square of the number
    of steps. Parameters as of `euler`.
    """

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            direction = slope(x, denoised(x, sigma), sigma)
            end = x + (lower - sigma) * direction
            if lower:
                direction = (direction + slope(end, denoised(end, lower), lower)) / 2
            x = x + (lower - sigma) * direction
        return x
