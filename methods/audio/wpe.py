"""Weighted prediction error: late reverberation predicted from the past, by the package nara_wpe."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.audio import Frames, istft, stft


@nb.method("wpe", track="audio", blind=True, requires=("nara_wpe",), cite="Nakatani et al. 2010; Drude et al. 2018")
def wpe(
    wave: Any,
    info: Any,
    *,
    taps: Annotated[int, Ge(1), Le(200)] = 30,
    delay: Annotated[int, Ge(1), Le(50)] = 2,
    iterations: Annotated[int, Ge(1), Le(50)] = 3,
) -> Any:
    """What the past of each frequency predicts of it, by the package nara_wpe, is taken away: late reverberation.

    taps: how many frames of the past predict. delay: how many before the present one are left out, so that speech is
    not predicted by itself. Frames of about 32 ms, root Hann, a quarter apart. A clip without as many frames stays.
    """
    from nara_wpe.wpe import wpe as predicted_away

    frames = Frames.of_rate(info.rate)
    spectra = stft(wave.astype(np.float64), frames)
    if not wave.any() or len(spectra) <= taps + delay:
        return wave
    dereverberated = predicted_away(spectra.T[:, None], taps=taps, delay=delay, iterations=iterations)[:, 0].T
    return istft(dereverberated, frames, len(wave)).astype(np.float32)
