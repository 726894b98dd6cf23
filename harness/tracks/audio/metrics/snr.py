"""Signal-to-noise ratio."""

from __future__ import annotations

import math

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored


@metric("snr", title="SNR", unit="dB", track="audio", higher=True, order=1, decimals=2)
def snr(restored: Restored) -> float:
    """10 log10 ‖s‖² / ‖s - ŝ‖², dB: unlike SI-SDR it sees the level. Inf where they are equal.

    Not defined where the true clip is silent.
    """
    signal = float(restored.truth @ restored.truth)
    error = restored.truth - restored.output
    noise = float(error @ error)
    if not signal:
        return NotDefined("the true clip is silent")
    return 10 * math.log10(signal / noise) if noise else math.inf
