from __future__ import annotations

from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.methods.classify._detecting import References
from noisebench.methods.classify._perturbation import (
    Attacks,
    Kernel,
    Model,
    PerturbationDetector,
    Time,
    refuse_other_kernels,
)


@nb.method("one_score", track="classify", layout="hwc")
@nb.checked(refuse_other_kernels)
class OneScore(PerturbationDetector):
    """A single score: what EPS-AD is where the picture is perturbed at one time alone.

    t: that time, of 1,000. draws: of noise at that time, whose scores are averaged; with as many as `eps_ad` has times
    the model is asked as often, so that what is left is what the times are worth. Other parameters as of `eps_ad`.
    """

    def __init__(
        self,
        *,
        t: Time,
        draws: Annotated[int, Ge(1), Le(1000)] = 1,
        score: Model = "normal_law",
        data: nb.DatasetSpec = "digits(split=train)",
        kernel: Kernel = "rbf",
        attacks: Attacks = (),
        references: References = 500,
    ) -> None:
        super().__init__(
            score=score,
            times=[t] * draws,
            data=data,
            kernel=kernel,
            attacks=attacks,
            references=references,
        )
