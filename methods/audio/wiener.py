"""Wiener filter of short-time spectra with the decision-directed a-priori SNR."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le, Lt
from noisebench.methods.audio._noise_power import tracked_power
from noisebench.tracks.audio import Frames, istft, stft


@nb.method("wiener", track="audio", blind=True, cite="Ephraim & Malah 1984; Gerkmann & Hendriks 2012")
def wiener(
    wave: Any,
    info: Any,
    *,
    alpha: Annotated[float, Ge(0), Lt(1)] = 0.96,
    floor: Annotated[float, Ge(-60), Le(0)] = -15.0,
) -> Any:
    """Each spectral value times ξ / (1 + ξ), ξ the decision-directed a-priori SNR, noise power by speech presence.

    alpha: the weight of the last frame's estimate in ξ. floor: the least gain, dB; a lower one takes more noise away
    and leaves musical tones. Frames of about 32 ms, root Hann, a quarter apart.
    """
    frames = Frames.of_rate(info.rate)
    noisy = stft(wave.astype(np.float64), frames)
    power = np.abs(noisy) ** 2
    noise = tracked_power(power)
    least = 10 ** (floor / 20)
    gains, before = np.empty_like(power), np.zeros(power.shape[1])
    for place in range(len(power)):
        after = power[place] / noise[place]
        prior = alpha * before / noise[place] + (1 - alpha) * np.maximum(after - 1, 0)
        gains[place] = np.maximum(prior / (1 + prior), least)
        before = gains[place] ** 2 * power[place]
    return istft(gains * noisy, frames, len(wave)).astype(np.float32)
