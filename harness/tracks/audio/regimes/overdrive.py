"""An amplifier that is driven too hard: loud parts are pressed together softly."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..clip import Floats


@regime("overdrive", track="audio", discloses=("drive",), title="driven by {drive} dB")
def overdrive(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    drive: Annotated[float, Gt(-60), Le(60), AxisLabel("drive (dB)")],
) -> tuple[Floats, dict[str, Any]]:
    """p tanh(g x / p) / tanh(g) for each value x: p is the largest magnitude of the clip, g is `drive` dB.

    The largest magnitude stays; at -20 dB hardly anything changes, at 20 dB soft parts are ten times as loud.
    Discloses drive. A silent clip stays as it is.
    """
    gain, peak = 10 ** (drive / 20), float(np.abs(wave).max(initial=0.0))
    driven = wave if peak == 0 else peak * np.tanh(gain * wave / peak) / np.tanh(gain)
    return driven, {"drive": float(drive)}
