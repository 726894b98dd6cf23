from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("static_curve", track="audio", cite="Giannoulis, Massberg & Reiss 2012")
def static_curve(wave: Any, info: Any) -> Any:
    """The static curve of a compressor, sample by sample, at the threshold and ratio that are told: no time constants.

    A magnitude of L dB above the threshold T becomes T + (L - T) / ratio. Skipped where the two are not told.
    """
    if info.threshold is None or info.ratio is None:
        raise nb.Skip("needs threshold and ratio, which sets such as compressed(…) tell")
    level = 20 * np.log10(np.maximum(np.abs(wave.astype(np.float64)), 1e-6))
    over = np.maximum(level - info.threshold, 0.0)
    return (wave * 10 ** (-over * (1 - 1 / info.ratio) / 20)).astype(np.float32)
