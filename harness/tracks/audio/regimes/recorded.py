from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import regime
from ....spec.parameter_types import DatasetSpec
from ..clip import Floats
from ..spectra import with_noise
from ._levels import Decibels
from ._others import drawn


@regime("recorded", track="audio", discloses=("snr", "sigma"), title="noise of {of}, {snr} dB")
def recorded(
    wave: Floats, rng: np.random.Generator, rate: int, *, snr: Decibels, of: DatasetSpec = "noise_clips"
) -> tuple[Floats, dict[str, Any]]:
    """A part of a clip of another set, at exactly `snr` dB over the clip; which clip, and where it starts, is drawn.

    of: a dataset of noises, such as `noise_clips(split=test)` or a `folder(…)` of yours, at any rate: it is resampled
    by a filter. Discloses snr, and sigma, the RMS of the noise; not which noise it is.
    """
    return with_noise(wave, drawn(of, rng, rate, len(wave), "recorded"), snr, "recorded")
