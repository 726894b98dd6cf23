from __future__ import annotations

from ....components.decorators import metric
from ..detection import area_under_roc, detection
from ..set_metrics import AnswerMetric


@metric("auroc", title="AUROC", track="classify", order=50, set=True)
def auroc() -> AnswerMetric:
    """AUROC: the chance that the second class is said to be likelier of a picture of it than of one of the first.

    Of sets of two classes, over all pairs of pictures; 0.5 is chance, ties count by half. ±: DeLong et al. (1988), as
    if all pictures were independent.
    """
    return detection(area_under_roc)
