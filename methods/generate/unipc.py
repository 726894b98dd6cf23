from __future__ import annotations

import math
from typing import Any

import noisebench as nb
from noisebench.methods.generate._stepping import Denoised, Stepping, falling


@nb.method(
    "unipc", track="generate", cite="W. Zhao et al., UniPC: a unified predictor-corrector framework for fast sampling "
    "of diffusion models, NeurIPS 2023"
)  # fmt: skip
@nb.checked(falling)
class UniPC(Stepping):
    """UniPC of order 2: each step is predicted by a line and corrected, once the next picture is seen, by a parabola.

    Of the picture, in the logarithm of the noise (B2 of the paper, its predictor is `dpm_solver_2m`). The call of the
    model at what is predicted serves the correction of this step and the prediction of the next one, so that a step is
    one call; its error falls with the cube of the number of steps. The first step looks at fewer pictures, and the last
    one, to no noise, is not corrected. Parameters as of `euler`.
    """

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        before, width = None, 0.0
        clean = denoised(x, self.levels[0])
        for step in info.each(range(len(self.levels) - 2)):
            sigma, lower = self.levels[step : step + 2]
            h = math.log(sigma / lower)
            kept, line, parabola = moments(h)
            start = lower / sigma * x + kept * clean
            if before is None:
                predicted = denoised(start, lower)
                x = start + kept / 2 * (predicted - clean)
            else:
                behind = (before - clean) / width
                predicted = denoised(start - kept * h / 2 * behind, lower)
                front = (predicted - clean) / h
                bend = (front + behind) / (h + width)
                x = start + line * (front - h * bend) + parabola * bend
            before, clean, width = clean, predicted, h
        return clean


def moments(h: float) -> tuple[float, float, float]:
    """The integral of e^(u - h) times 1, u and u² over u from 0 to h: what pictures that are so add to a step."""
    first = -math.expm1(-h)
    second = h - first
    return first, second, h**2 - 2 * second
