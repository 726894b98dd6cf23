from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.audio._glottal import falling_at, residual
from noisebench.tracks.audio.pitch import pitch_period


@nb.method("lp_residual", track="audio", blind=True, cite="Ananthapadmanabha & Yegnanarayana 1979")
def lp_residual(
    wave: Any,
    info: Any,
    *,
    order: Annotated[int, Ge(1), Le(1_000)] | None = None,
    apart: Annotated[float, Ge(0), Le(1)] = 0.75,
) -> Any:
    """Glottal closures as peaks of the Hilbert envelope of the linear-prediction residual: a wave that falls at each.

    order: of the prediction; none: two more than the rate in kHz. apart: between peaks are at least so many usual pitch
    periods, the period being found by autocorrelation; the higher peak stays. The polarity of the clip does not matter.
    """
    from scipy.signal import find_peaks, hilbert

    speech = wave.astype(np.float64)
    if len(speech) < 2:
        return np.zeros_like(wave)
    envelope = np.abs(hilbert(residual(speech, info.rate, order or round(info.rate / 1_000) + 2)))
    distance = max(1.0, apart * pitch_period(speech, info.rate) * info.rate)
    peaks, _ = find_peaks(envelope, distance=distance)
    return falling_at(peaks / info.rate, info.rate, len(wave)).astype(np.float32)
