from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.audio._noise_power import quantile_power
from noisebench.tracks.audio import Frames, istft, stft


@nb.method("spectral_subtraction", track="audio", blind=True, cite="Berouti, Schwartz & Makhoul 1979")
def spectral_subtraction(
    wave: Any,
    info: Any,
    *,
    over: Annotated[float, Ge(0), Le(20)] = 2.0,
    floor: Annotated[float, Ge(-60), Le(0)] = -15.0,
) -> Any:
    """`over` times the power of the noise is taken from the noisy power; the noisy phase is kept.

    The noise is taken to be the same all along: by frequency, the 0.3 quantile of the power over time. floor: the least
    gain, dB. Frames of about 32 ms, root Hann, a quarter apart.
    """
    frames = Frames.of_rate(info.rate)
    noisy = stft(wave.astype(np.float64), frames)
    power = np.abs(noisy) ** 2
    remaining = 1 - over * quantile_power(power) / np.maximum(power, 1e-30)
    gains = np.sqrt(np.maximum(remaining, 10 ** (floor / 10)))
    return istft(gains * noisy, frames, len(wave)).astype(np.float32)
