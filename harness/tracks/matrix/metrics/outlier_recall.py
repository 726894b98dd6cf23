from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Recovery


@metric("outlier_recall", title="outlier recall", track="matrix", higher=True, order=11)
def outlier_recall(recovery: Recovery) -> float:
    """Of k corrupted measurements the share among the k largest |y − A(X̂)|; 1 is best, the share of all is chance.

    y is what the method was given and X̂ what it returned. Corrupted is what a regime of gross noise has changed and
    what disturbs an item of itself. Of equal residuals the first count. Not defined where no measurement is corrupted,
    or all are.
    """
    k = int(recovery.corrupted.sum())
    if not 0 < k < len(recovery.corrupted):
        return NotDefined("every measurement is corrupted" if k else "no measurement is corrupted")
    residuals = np.abs(recovery.given.y - recovery.given.operator.measure(recovery.matrix))
    return float(recovery.corrupted[np.argsort(-residuals, kind="stable")[:k]].mean())
