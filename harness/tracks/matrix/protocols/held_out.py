"""The known entries that were not measured."""

from __future__ import annotations

import numpy as np

from ....components import protocol
from ..items import Measured
from ..operators import Entries
from ..scored import Mask


@protocol("held_out", track="matrix")
def held_out(item: Measured) -> Mask:
    """The known entries that were not measured, a mask (p, q); all of them where what is measured is no entries."""
    mask = np.ones(item.truth.shape, bool)
    if isinstance(item.operator, Entries):
        mask[item.operator.rows, item.operator.columns] = False
    return mask
