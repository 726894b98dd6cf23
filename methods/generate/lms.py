from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.generate._stepping import Denoised, Level, Schedule, Stepping, Steps, falling, slope


@nb.method(
    "lms", track="generate", cite="F. Bashforth, J. C. Adams, An attempt to test the theories of capillary action, 1883"
)
@nb.checked(falling)
class LinearMultistep(Stepping):
    """LMS: the probability flow by a polynomial through the last slopes (Adams & Bashforth, of unequal steps).

    One call of the model a step. order: slopes that are looked at, fewer in the first steps; 1 is Euler. Its error
    falls with that power of the number of steps. Other parameters as of `euler`.
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        steps: Steps = 20,
        order: Annotated[int, Ge(1), Le(6)] = 2,
        schedule: Schedule = "karras",
        least: Level = 0.002,
        most: Level = 80.0,
    ) -> None:
        super().__init__(model=model, steps=steps, schedule=schedule, least=least, most=most)
        self.order = order

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the last."""
        slopes: list[Any] = []
        for step in info.each(range(len(self.levels) - 1)):
            sigma, lower = self.levels[step : step + 2]
            slopes = [slope(x, denoised(x, sigma), sigma), *slopes[: self.order - 1]]
            seen = self.levels[step - len(slopes) + 1 : step + 1][::-1]
            for share, one in zip(shares(seen, sigma, lower), slopes, strict=True):
                x = x + share * one
        return x


def shares(seen: list[float], start: float, end: float) -> list[float]:
    """The integral from `start` to `end` of each polynomial that is 1 at one of the levels `seen`, 0 at the others."""
    middle, half = (start + end) / 2, (end - start) / 2
    places, weights = np.polynomial.legendre.leggauss(max(1, (len(seen) + 1) // 2))
    integrals = []
    for i, node in enumerate(seen):
        others = [level for j, level in enumerate(seen) if j != i]
        values = [np.prod([(middle + half * p - o) / (node - o) for o in others]) for p in places]
        integrals.append(float(half * np.dot(weights, values)))
    return integrals
