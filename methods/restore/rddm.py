from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._sampling import TrainedSampler, refuse_others


@nb.method("rddm", cite="J. Liu et al., Residual denoising diffusion models, CVPR 2024")
class ResidualDiffusionSteps(TrainedSampler):
    """RDDM: a trained residual diffusion in so many steps, from noise that is drawn for each picture.

    method: `trained(arch=rddm, objective=rddm, …)`, or one `tuned`. steps: network calls a picture, evenly spaced in
    time. average: the mean of so many pictures from noise of their own, nearer to the posterior mean and less sharp.
    Grey and coloured pictures are taken as `trained` takes them. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(10_000)] = 5,
        average: Annotated[int, Ge(1), Le(10_000)] = 1,
    ) -> None:
        refuse_others("rddm", "rddm", method)
        super().__init__(method, steps, average)

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network that takes no steps."""
        refuse_others("rddm", "rddm", method)
        return {}

    def sampled(self, net: Any, pictures: Any, draw: Callable[[Any], Any]) -> Any:
        """(N, C, H, W) → the same."""
        return net.restored(pictures, draw(pictures), self.steps)
