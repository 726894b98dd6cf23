from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ....text.errors import UsageError
from ..clip import Floats
from ..spectra import with_noise
from ._levels import Decibels

LEAST = 20.0
"""Hz: below it the spectrum is flat, so that long clips are not all drift."""


@regime("coloured", track="audio", discloses=("snr", "sigma"), title="noise of slope {slope}, {snr} dB")
def coloured(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    snr: Decibels,
    slope: Annotated[float, Ge(-4), Le(4), AxisLabel("slope of the power")] = -1.0,
) -> tuple[Floats, dict[str, Any]]:
    """Gaussian noise of power f^slope above 20 Hz and flat below, at exactly `snr` dB over the clip.

    slope: -1 is pink, -2 brown, 1 blue noise. Discloses snr, and sigma, the RMS of the noise.
    """
    if len(wave) < 2:
        raise UsageError("regime coloured: a clip of one sample has no frequencies")
    frequencies = np.fft.rfftfreq(len(wave), 1 / rate)
    gains = np.maximum(frequencies, LEAST) ** (slope / 2)
    gains[0] = 0.0
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal(wave.shape)) * gains, n=len(wave))
    return with_noise(wave, noise, snr, "coloured")
