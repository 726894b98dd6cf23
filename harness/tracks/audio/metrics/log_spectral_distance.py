"""Log-spectral distance."""

from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..scored import Restored
from ..spectra import Frames, stft

DEPTH = 1e-6
"""-60 dB: power below this part of the true clip's largest counts as it, lest silence rule the mean."""


@metric(
    "log_spectral_distance", title="log-spectral distance", unit="dB", track="audio", higher=False, order=4, decimals=2
)
def log_spectral_distance(restored: Restored) -> float:
    """Mean over frames of the RMS over frequencies of the difference of the power spectra in dB; 0 is best.

    Frames of about 32 ms, Hann, a quarter apart. Powers more than 60 dB below the largest of the true clip count as
    60 dB below it. Not defined where the true clip is silent.
    """
    frames = Frames(Frames.of_rate(restored.rate).size, Frames.of_rate(restored.rate).hop, root=False)
    true_power, restored_power = (np.abs(stft(wave, frames)) ** 2 for wave in (restored.truth, restored.output))
    floor = DEPTH * float(true_power.max())
    if not floor:
        return NotDefined("the true clip is silent")
    apart = 10 * np.log10(np.maximum(true_power, floor) / np.maximum(restored_power, floor))
    return float(np.mean(np.sqrt(np.mean(apart**2, axis=1))))
