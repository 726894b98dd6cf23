from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined, nearest
from ..maps import Ints, iou_of
from ..set_metrics import ConfusionMetric


@metric("mean_iou", title="Mean IoU", track="segment", order=100, set=True)
def mean_iou(*, of: str = "") -> ConfusionMetric:
    """Mean IoU of a whole set, from one confusion matrix of the pixels of all pictures; 1 is best.

    The mean over all classes that are there in any map, the background included, as benchmarks of scenes have it. of:
    the name of a class, whose IoU alone is meant.
    """

    def value(confusion: Ints, names: tuple[str, ...]) -> float | NotDefined:
        each = iou_of(confusion)
        if of:
            if of not in names:
                return NotDefined(f"no class {of!r}: {nearest(of, names)}")
            each = each[[names.index(of)]]
        defined = each[~np.isnan(each)]
        return float(defined.mean()) if len(defined) else NotDefined("no map has it")

    return ConfusionMetric(value)
