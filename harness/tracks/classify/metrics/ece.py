from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from ....components.decorators import metric
from ..calibration import calibration
from ..set_metrics import AnswerMetric


@metric("ece", title="ECE", track="classify", higher=False, order=101, set=True)
def ece(*, bins: Annotated[int, Ge(1), Le(1000)] = 15) -> AnswerMetric:
    """Expected calibration error of all pictures: how far confidence is from the share of right answers.

    Pictures are put into `bins` of equal width by the probability of the likeliest class; the distances of the mean
    probability from the share of right ones are averaged, each bin weighing as much as it has pictures (Naeini et al.,
    AAAI 2015; Guo et al., ICML 2017). 0 to 1. With few pictures it is above 0 for all methods: its floor says how far.
    """
    return calibration(bins)
