from __future__ import annotations

from functools import partial

from ....components.decorators import metric
from ..detection import detection, false_alarms
from ..set_metrics import AnswerMetric


@metric("fpr95", title="FPR95", track="classify", higher=False, order=51, set=True)
def fpr95() -> AnswerMetric:
    """FPR95: the share of pictures of the first class that are taken for the second where 95 % of those are found.

    Of sets of two classes; 0 is best, 0.95 chance.
    """
    return detection(partial(false_alarms, detected=0.95))
