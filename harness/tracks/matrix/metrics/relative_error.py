from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Recovery


@metric(
    "relative_error", title="relative error", track="matrix", higher=False, order=0, decimals=5, gate={"max_drop": 1e-3}
)
def relative_error(recovery: Recovery) -> float:
    """‖X̂ − X‖ / ‖X‖ in the Frobenius norm, of the entries that the protocol counts; 0 is best, `zero` scores 1."""
    size = float(np.linalg.norm(recovery.item.truth[recovery.counted]))
    return float(np.linalg.norm(recovery.errors)) / size if size else NotDefined("the true matrix is 0")
