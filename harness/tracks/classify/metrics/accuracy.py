from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("accuracy", title="Accuracy", track="classify", order=0, gate={"max_drop": 0.005})
def accuracy(log_p: Floats, label: int) -> float:
    """Accuracy: 1 where the likeliest class is the true one, else 0; of equally likely ones the first counts."""
    return float(int(np.argmax(log_p)) == label)
