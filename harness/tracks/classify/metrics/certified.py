from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from ....components.decorators import metric

Floats = np.ndarray[Any, np.dtype[np.float64]]


@metric("certified", title="Certified accuracy", track="classify", radius=True, order=30, gate={"max_drop": 0.005})
def certified(log_p: Floats, label: int, certain: float, *, radius: Annotated[float, Ge(0)] = 0.25) -> float:
    """Certified accuracy: 1 where the class is right and certain within `radius`, L2 on the [0, 1] scale.

    Not defined of a method that certifies nothing.
    """
    return float(int(np.argmax(log_p)) == label and certain >= radius)
