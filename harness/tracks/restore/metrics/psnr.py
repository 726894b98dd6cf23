from __future__ import annotations

import math

from ....components.decorators import metric
from ..pairs import Pair
from ._fidelity import squared_error
from ._undefined import nothing_left


@metric("psnr", title="PSNR", unit="dB", decimals=2, order=0, gate={"max_drop": 0.02, "max_drop_item": 0.5})
def psnr(pair: Pair) -> float:
    """Peak signal-to-noise ratio: 10·log10(peak² / MSE) over all pixels and channels; inf for equal ones."""
    if pair.size == 0:
        return nothing_left()
    error = squared_error(pair) / pair.size
    return math.inf if error == 0 else 10.0 * math.log10(pair.peak**2 / error)
