"""Signal-to-distortion ratio of BSS Eval."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored


@metric("sdr", title="SDR", unit="dB", track="audio", higher=True, order=1, decimals=2)
def sdr(restored: Restored, *, taps: Annotated[int, Ge(1), Le(4096)] = 512) -> float:
    """10 log10 ‖h∗s‖² / ‖ŝ − h∗s‖², h the filter of so many `taps` that brings the truth s nearest to ŝ (BSS Eval).

    Of one source, dB (Vincent et al. 2006): what such a filter does, as of a room or of a microphone, costs nothing.
    Not defined where truth or output is silent.
    """
    from scipy.linalg import LinAlgError, solve_toeplitz

    true, output = restored.truth, restored.output
    if not true.any() or not output.any():
        return NotDefined("the true clip is silent" if not true.any() else "the restored clip is silent")
    true, output = true / np.linalg.norm(true), output / np.linalg.norm(output)
    size = 2 ** math.ceil(math.log2(len(true) + taps))
    spectrum = np.fft.rfft(true, size)
    lags = np.fft.irfft(np.abs(spectrum) ** 2, size)[:taps]
    along = np.fft.irfft(spectrum.conj() * np.fft.rfft(output, size), size)[:taps]
    try:
        explained = float(along @ solve_toeplitz(lags, along))
    except LinAlgError:
        return NotDefined("no filter is best: the true clip has too few frequencies")
    if explained <= 0:
        return -math.inf
    return 10 * math.log10(explained / (1 - explained)) if explained < 1 else math.inf
