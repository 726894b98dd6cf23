from __future__ import annotations

import math

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._fidelity import squared_error
from ._undefined import nothing_left


@metric("psnr_own_range", title="PSNR (own range)", unit="dB", decimals=2)
def psnr_own_range(pair: Pair) -> float:
    """PSNR whose data range is that of each clean picture, its maximum less its minimum; inf for equal ones."""
    if pair.y.size == 0:
        return nothing_left()
    span = float(pair.y.max()) - float(pair.y.min())
    if span == 0:
        return NotDefined("psnr_own_range needs a clean picture of more than one value")
    error = squared_error(pair) / pair.size
    return math.inf if error == 0 else 10.0 * math.log10(span**2 / error)
