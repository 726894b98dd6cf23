from __future__ import annotations

import itertools
import math
from typing import Any

import noisebench as nb
from noisebench.methods.generate._stepping import Denoised, Stepping, falling


@nb.method(
    "dpm_solver_2m", track="generate", cite="C. Lu et al., DPM-Solver++: fast solver for guided sampling of diffusion "
    "probabilistic models, arXiv 2211.01095, 2022"
)  # fmt: skip
@nb.checked(falling)
class DPMSolver2M(Stepping):
    """DPM-Solver++(2M): the linear part of the flow exactly, the model's by a line through its last two pictures.

    One call of the model a step. Its error falls with the square of the number of steps. The first and the last step
    are of first order, as its authors have them for few steps. Parameters as of `euler`.
    """

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        before, width = None, 0.0
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            clean = denoised(x, sigma)
            if not lower:
                return clean
            step = math.log(sigma / lower)
            extrapolated = clean
            if before is not None:
                extrapolated = clean + step / (2 * width) * (clean - before)
            x = lower / sigma * x + (1 - lower / sigma) * extrapolated
            before, width = clean, step
        return x
