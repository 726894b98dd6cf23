from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined

Array = np.ndarray[Any, Any]


@metric("auroc", title="AUROC", track="adapt", order=10, gate={"max_drop": 0.005})
def auroc(log_p: Array, labels: Array, before: Array | None) -> float | NotDefined:
    """AUROC: the chance that a method is surer of a picture of a known class than of one of an unknown class.

    Sure is the probability of the likeliest class; 0.5 is chance. Not defined of a stream where all are known, or none.
    """
    known = labels >= 0
    if known.all() or not known.any():
        return NotDefined("all pictures are of known classes, or none is")
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(known, log_p.max(axis=1)))
