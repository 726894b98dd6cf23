from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel, DatasetSpec
from ..clip import Floats
from ..spectra import power, with_noise
from ._levels import Decibels
from ._others import drawn


@regime("mix", track="audio", discloses=("snr", "sigma"), title="{sources} of {of} over it, {snr} dB")
def mix(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    sources: Annotated[int, Ge(1), Le(64), AxisLabel("sources")] = 1,
    snr: Decibels = 0.0,
    of: DatasetSpec = "voices",
) -> tuple[Floats, dict[str, Any]]:
    """Parts of `sources` clips of another set, of equal power each, at exactly `snr` dB together over the clip.

    of: a dataset whose clips have other ids or seeds than those that are restored, lest a clip lie over itself: for
    voices `voices(seed=1)`. Discloses snr, and sigma, the RMS of what lies over the clip.
    """
    others = np.zeros(len(wave))
    for _ in range(sources):
        part = drawn(of, rng, rate, len(wave), "mix")
        others = others + part / np.sqrt(power(part))
    return with_noise(wave, others, snr, "mix")
