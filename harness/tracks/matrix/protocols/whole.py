from __future__ import annotations

import numpy as np

from ....components.decorators import protocol
from ..items import Measured
from ..operators import Operator
from ..scored import Mask


@protocol("whole", track="matrix")
def whole(item: Measured, operator: Operator) -> Mask:
    """Every known entry of the matrix, measured or not: a mask (p, q)."""
    return np.ones(item.truth.shape, bool)
