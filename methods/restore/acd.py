from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.restore._sampling import TrainedSampler, refuse_others


@nb.method(
    "acd",
    cite="X. Bai, F. Xu, Accelerating diffusion for SAR-to-optical image translation via adversarial consistency "
    "distillation, arXiv 2407.06095",
)
class AdversarialConsistency(TrainedSampler):
    """ACD: a diffusion that was distilled into a consistency function gives the picture in one network call, or a few.

    method: `trained(arch=consistency, objective=consistency, parts=consistency_distillation(teacher=…), …)`, or one
    `tuned`; without the part it is a consistency model that had no teacher. steps: network calls a picture; before each
    the picture gets noise anew, of levels that are evenly spaced (S. Luo et al., Latent consistency models, arXiv
    2310.04378). average: the mean of so many pictures from noise of their own. Grey and coloured pictures are taken as
    `trained` takes them. Nothing is read from `info` but draws.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        steps: Annotated[int, Ge(1), Le(1000)] = 1,
        average: Annotated[int, Ge(1), Le(10_000)] = 1,
    ) -> None:
        refuse_others("acd", "consistency", method)
        super().__init__(method, steps, average)

    @staticmethod
    def flags(*, method: nb.Bound, **others: Any) -> dict[str, Any]:
        """None of its own. Raises `UsageError`, before anything is trained, for a network of another kind."""
        refuse_others("acd", "consistency", method)
        return {}
