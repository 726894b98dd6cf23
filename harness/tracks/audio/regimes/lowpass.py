from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ....text.errors import UsageError
from ..clip import Floats

ORDER = 8
"""Of the Butterworth filter, which runs forwards and backwards."""


@regime("lowpass", track="audio", discloses=("cutoff",), title="up to {cutoff} Hz")
def lowpass(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    cutoff: Annotated[float, Ge(0.001), Le(100_000), AxisLabel("cutoff (Hz)")],
) -> tuple[Floats, dict[str, Any]]:
    """What lies above `cutoff` Hz is filtered out, without a delay: half of the amplitude is left there.

    A Butterworth filter of order 8, forwards and backwards. Discloses cutoff. Raises `UsageError` for one that is not
    below half of the sample rate.
    """
    from scipy.signal import butter, sosfiltfilt

    if 2 * cutoff >= rate:
        raise UsageError(
            f"regime lowpass: a clip of {rate} Hz has nothing above {cutoff:g} Hz: give less than {rate // 2}"
        )
    filtered = sosfiltfilt(butter(ORDER, cutoff, fs=rate, output="sos"), wave, padlen=min(len(wave) - 1, 3 * ORDER))
    return np.asarray(filtered), {"cutoff": float(cutoff)}
