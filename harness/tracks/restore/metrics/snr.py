from __future__ import annotations

import math

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._fidelity import squared_error
from ._planes import power_of
from ._undefined import nothing_left


@metric("snr", title="SNR", unit="dB", decimals=2)
def snr(pair: Pair) -> float:
    """Signal-to-noise ratio: 10·log10(Σ clean² / Σ (restored − clean)²), all channels; inf for equal ones."""
    if pair.y.size == 0:
        return nothing_left()
    power, error = power_of(pair), squared_error(pair)
    if power == 0:
        return NotDefined("snr needs a clean picture that is not black")
    return math.inf if error == 0 else 10 * math.log10(power / error)
