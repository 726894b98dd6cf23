from __future__ import annotations

import itertools
from typing import Annotated, Any, Literal

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.generate._few_step_levels import few_levels, reaching
from noisebench.methods.generate._stepping import Denoised, Level, Stepping, noised_step


@nb.method(
    "few_steps",
    track="generate",
    cite="Y. Song et al., Consistency models, ICML 2023; T. Salimans, J. Ho, Progressive distillation for fast "
    "sampling of diffusion models, ICLR 2022",
)
@nb.checked(reaching)
class FewSteps(Stepping):
    """Few steps: from noise to the picture in one call of a model, or a few, as distilled models are used.

    model: one trained with `objective=consistency_model` or `progressive`; any other is a rival. steps: calls, at
    levels from `most` down, evenly in the seventh root; half as many are every second one. The last call gives the
    picture: none is spent near its end, as `ddim` does. noise: `anew` gives the picture noise of the next level that
    is drawn by the input alone (consistency models); `kept` goes on with what is left of its own (DDIM).
    """

    def __init__(
        self,
        *,
        model: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(1000)] = 1,
        noise: Literal["anew", "kept"] = "anew",
        most: Level = 80.0,
    ) -> None:
        super().__init__(model=model, most=most)
        self.levels = few_levels(steps, most)
        self.anew = noise == "anew"

    def walk(self, denoised: Denoised, x: Any, info: Any) -> Any:
        """From `x` at the first level to the picture."""
        for sigma, lower in info.each(itertools.pairwise(self.levels)):
            x = noised_step(x, denoised(x, sigma), sigma, lower, lower if self.anew else 0.0, info)
        return x
