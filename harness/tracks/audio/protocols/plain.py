"""Both clips as they are, or at another rate or level."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import protocol
from ..clip import Floats
from ..spectra import resampled


@protocol("plain", track="audio")
def plain(
    output: Floats,
    truth: Floats,
    clip_rate: int,
    *,
    rate: Annotated[int, Ge(1_000), Le(384_000)] | None = None,
    level: Literal["kept", "equal", "fitted"] = "kept",
) -> tuple[Floats, Floats, int]:
    """Output and truth, float64 (N,), and their rate.

    rate: both are brought to it by a filter; none: that of the clip. level: `kept`, the output's level counts;
    `equal`, the output has the RMS of the truth; `fitted`, it is scaled by least squares. Silence is left as it is.
    """
    a, b = (resampled(wave, clip_rate, rate or clip_rate) for wave in (output, truth))
    energy = float(a @ a)
    if energy > 0 and level == "equal":
        a = a * np.sqrt(float(b @ b) / energy)
    elif energy > 0 and level == "fitted":
        a = a * (float(a @ b) / energy)
    return a, b, rate or clip_rate
