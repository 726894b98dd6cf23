from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._diffusion import LEVELS, Draw, noised, spaced
from noisebench.recipes.archs.conditional_diffusion import ConditionalDiffusion

_SPREAD = 0.5
"""Deviation of pictures on [-1, 1], as the authors of consistency models have it."""
_RATE = 10.0
"""How fast the input fades with the level, as latent consistency models have it."""


@nb.arch(
    "consistency",
    cite="Y. Song et al., Consistency models, ICML 2023; S. Luo et al., Latent consistency models, arXiv 2310.04378",
)
class ConsistencyFunction(ConditionalDiffusion):
    """A consistency function: from any level of a diffusion straight to its clean picture, in one call or a few.

    f(x, level) = c_skip x + c_out C(x, level), C the picture that a `conditional_diffusion(of=…)` of the same network
    sees in x. At level 0 c_skip is 1 and c_out is 0, so that f(x, 0) is x, whatever the network. steps: calls where the
    network is used as it is; between two of them the picture gets noise of the next level anew.
    Trained with `objective=consistency`, alone or with `parts=consistency_distillation(teacher=…)`.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        of: Annotated[Any, nb.Nested("arch")] = "unet",
        steps: Annotated[int, Ge(1), Le(LEVELS)] = 1,
    ) -> None:
        super().__init__(given, wanted, of=of, steps=steps)

    def clean_at(self, x: Any, degraded: Any, level: Any) -> Any:
        """f: the clean picture, on [-1, 1], of x at a level: a whole number, or a tensor (N, 1, 1, 1)."""
        far = _RATE * level
        whole = far**2 + _SPREAD**2
        return _SPREAD**2 / whole * x + far / whole**0.5 * self.clean_in(x, degraded, level)

    def restored(self, degraded: Any, steps: int, draw: Draw) -> Any:
        """The clean picture on [0, 1] after so many calls, from noise that `draw` gives before each."""
        first, *others = spaced(steps)[:-1]
        x = self.clean_at(draw(degraded), degraded, first)
        for level in others:
            x = self.clean_at(noised(x, draw(x), level), degraded, level)
        return (x + 1) / 2
