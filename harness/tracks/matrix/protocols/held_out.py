from __future__ import annotations

import numpy as np

from ....components.decorators import protocol
from ..items import Measured
from ..operators import Entries, Operator
from ..scored import Mask


@protocol("held_out", track="matrix")
def held_out(item: Measured, operator: Operator) -> Mask:
    """The known entries that are not given, a mask (p, q); all known ones where what is measured is no entries."""
    mask = np.ones(item.truth.shape, bool)
    if isinstance(operator, Entries):
        mask[operator.rows, operator.columns] = False
    return mask
