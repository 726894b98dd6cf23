from __future__ import annotations

import itertools
from typing import Any

import noisebench as nb
from noisebench.methods.generate._stepping import Denoised, Stepping, falling, slope


@nb.method(
    "euler", track="generate", cite="Y. Song et al., Score-based generative modeling through stochastic differential "
    "equations, ICLR 2021"
)  # fmt: skip
@nb.checked(falling)
class Euler(Stepping):
    """Euler: the probability flow, by one call of the model a step.

    model: one of this track, such as `exact(of=…)`, `trained(…)`. steps: down the levels of `schedule` from `most` to
    `least`, and to none. Its error falls with the number of steps; `ddim` is the same in other variables.
    """

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            x = x + (lower - sigma) * slope(x, denoised(x, sigma), sigma)
        return x
