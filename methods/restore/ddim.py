from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._sampling import TrainedSampler, refuse_others


@nb.method(
    "ddim",
    cite="J. Song, C. Meng, S. Ermon, Denoising diffusion implicit models, ICLR 2021",
)
class DDIMRestorer(TrainedSampler):
    """DDIM: a trained conditional diffusion in so many deterministic steps, from noise that is drawn for each picture.

    method: `trained(arch=conditional_diffusion, objective=ddpm, …)`, or one `tuned`. steps: network calls a picture, at
    levels that are evenly spaced. average: the mean of so many pictures from noise of their own, nearer to the
    posterior mean and less sharp. Grey and coloured pictures are taken as `trained` takes them. Nothing is read from
    `info` but draws.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(1000)] = 50,
        average: Annotated[int, Ge(1), Le(10_000)] = 1,
    ) -> None:
        refuse_others("ddim", "conditional_diffusion", method)
        super().__init__(method, steps, average)

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network of another kind."""
        refuse_others("ddim", "conditional_diffusion", method)
        return {}
