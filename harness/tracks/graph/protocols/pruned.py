from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import protocol
from ..dag import Floats


@protocol("pruned", track="graph")
def pruned(weights: Floats, *, below: Annotated[float, Ge(0), Le(1e6)] = 0.3) -> Floats:
    """Weights (d, d), those that are smaller than `below` set to 0."""
    return np.where(np.abs(weights) < below, 0.0, weights)
