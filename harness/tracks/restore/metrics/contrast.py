from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..pairs import Pair
from ._undefined import nothing_left


@metric("contrast")
def contrast(pair: Pair) -> float:
    """Twice the largest distance of the restored picture from mid-grey: 1 where it reaches black or white.

    Of a `basis_vector`, under the protocol `raw`, it is the factor by which the method shrinks along this vector.
    """
    if pair.x.size == 0:
        return nothing_left()
    return 2 * float(np.abs(pair.x / pair.peak - 0.5).max())
