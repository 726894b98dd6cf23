"""Silence: what a metric of the restored clip must not reward."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("silence", track="audio", role="sanity", blind=True)
def silence(wave: Any, info: Any) -> Any:
    """Zeros, float32 (N,): the SNR is 0 dB, and the SI-SDR is not defined."""
    return np.zeros_like(wave)
