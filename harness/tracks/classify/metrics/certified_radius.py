from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("certified_radius", title="Certified radius", track="classify", radius=True, order=31)
def certified_radius(log_p: Floats, label: int, certain: float) -> float:
    """Certified radius, L2 on the [0, 1] scale: 0 where the class is wrong or not certain. Its mean is the ACR.

    Not defined of a method that certifies nothing.
    """
    return max(float(certain), 0.0) if int(np.argmax(log_p)) == label else 0.0
