from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("top_k", title="Top-k accuracy", track="classify", order=5, gate={"max_drop": 0.005})
def top_k(log_p: Floats, label: int, *, k: Annotated[int, Ge(1)] = 5) -> float:
    """Top-k accuracy: 1 where fewer than k classes come before the true one, of equally likely ones the first first."""
    before = (log_p > log_p[label]).sum() + (log_p[:label] == log_p[label]).sum()
    return float(before < k)
