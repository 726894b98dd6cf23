from __future__ import annotations

import noisebench as nb
from noisebench.methods.classify._detecting import References
from noisebench.methods.classify._perturbation import (
    Attacks,
    Kernel,
    Model,
    PerturbationDetector,
    Time,
    refuse_other_kernels,
)


@nb.method("eps_ad", track="classify", layout="hwc", cite="S. Zhang et al., Detecting adversarial data by probing "
           "multiple perturbations using expected perturbation score, ICML 2023")  # fmt: skip
@nb.checked(refuse_other_kernels)
class EPSAD(PerturbationDetector):
    """EPS-AD: a picture is attacked where its score, a mean over small perturbations, is not that of natural ones.

    score: a model of `generate`, of which scores are taken: exact for a normal law, or trained. Pictures are mapped to
    [-1, 1]; of each the score at the times 1 to `last` of 1,000 is averaged, with new noise at each time (arXiv
    2305.16035). data: natural pictures, of which so many are `references`. The mean discrepancy of a picture from these
    is by a kernel: `rbf` is Gaussian with the median distance of the references as its width, `deep` is learned from
    `attacks`, sets of `natural_and_attacked` with other pictures than those that are tested.
    """

    def __init__(
        self,
        *,
        score: Model = "normal_law",
        last: Time = 20,
        data: nb.DatasetSpec = "digits(split=train)",
        kernel: Kernel = "rbf",
        attacks: Attacks = (),
        references: References = 500,
    ) -> None:
        super().__init__(
            score=score,
            times=range(1, last + 1),
            data=data,
            kernel=kernel,
            attacks=attacks,
            references=references,
        )
