"""Ideal ratio mask: the ceiling of methods that weigh the noisy spectrum and keep its phase."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.tracks.audio import Frames, istft, stft


@nb.method("ideal_ratio_mask", track="audio", oracle=True, role="sanity", cite="Narayanan & Wang 2013")
def ideal_ratio_mask(wave: Any, info: Any) -> Any:
    """The noisy spectrum times (|S|² / (|S|² + |N|²))^½, of the true clip S and the true noise N.

    Frames of about 32 ms, root Hann, a quarter apart. Raises `Skip` where the true clip is not at hand.
    """
    if info.sample is None:
        raise nb.Skip("needs the true clip, which is not at hand here")
    frames = Frames.of_rate(info.rate)
    noisy, clean = (stft(one.astype(np.float64), frames) for one in (wave, info.sample.wave))
    speech, noise = np.abs(clean) ** 2, np.abs(noisy - clean) ** 2
    mask = np.sqrt(speech / np.maximum(speech + noise, 1e-30))
    return istft(mask * noisy, frames, len(wave)).astype(np.float32)
