from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import regime
from ..clip import Floats
from ..spectra import with_noise
from ._levels import Decibels


@regime("white", track="audio", discloses=("snr", "sigma"), title="white noise, {snr} dB")
def white(wave: Floats, rng: np.random.Generator, rate: int, *, snr: Decibels) -> tuple[Floats, dict[str, Any]]:
    """White Gaussian noise, scaled so that the clip has exactly `snr` dB over its whole length.

    Discloses snr, and sigma, the RMS of the noise.
    """
    return with_noise(wave, rng.standard_normal(wave.shape), snr, "white")
