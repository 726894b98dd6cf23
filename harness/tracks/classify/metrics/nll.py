from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("nll", title="NLL", track="classify", higher=False, unit="nat", order=10, gate={"max_drop": 0.01})
def nll(log_p: Floats, label: int) -> float:
    """Negative log-likelihood of the true class, in nats; 0 is best, ln K that of a guess among K."""
    return float(-log_p[label])
