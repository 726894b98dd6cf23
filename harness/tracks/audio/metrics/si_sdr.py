"""Scale-invariant signal-to-distortion ratio."""

from __future__ import annotations

import math

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored


@metric("si_sdr", title="SI-SDR", unit="dB", track="audio", higher=True, order=0, decimals=2, gate={"max_drop": 0.1})
def si_sdr(restored: Restored) -> float:
    """10 log10 ‖αs‖² / ‖αs - ŝ‖² with α = ŝᵀs / ‖s‖², both without their means, dB (Le Roux et al. 2019).

    Inf where the output is a multiple of the truth, -inf where it has nothing of it. Not defined where truth or output
    is silent.
    """
    s, e = restored.truth - restored.truth.mean(), restored.output - restored.output.mean()
    energy = float(s @ s)
    if energy == 0 or float(e @ e) == 0:
        return NotDefined("the true clip is silent" if energy == 0 else "the restored clip is silent")
    target = float(e @ s) / energy * s
    signal, error = float(target @ target), float((target - e) @ (target - e))
    if not error:
        return math.inf
    return 10 * math.log10(signal / error) if signal else -math.inf
