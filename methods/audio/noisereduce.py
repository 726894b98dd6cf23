from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


@nb.method("noisereduce", track="audio", blind=True, requires=("noisereduce",), cite="Sainburg, Thielk & Gentner 2020")
def noisereduce(
    wave: Any, info: Any, *, stationary: bool = False, decrease: Annotated[float, Ge(0), Le(1)] = 1.0
) -> Any:
    """Spectral gating by the package noisereduce, with its own settings.

    stationary: one threshold a frequency for the whole clip, else one that follows it. decrease: how much of what is
    below is taken away, `prop_decrease` there. Where the package divides by 0, in silence, the clip stays. Raises
    `UsageError` where a stationary threshold is asked for of a clip below 769 samples, which its windows do not fit.
    """
    import noisereduce as package

    if not wave.any():
        return wave
    if stationary and len(wave) < 769:
        raise nb.UsageError(
            f"noisereduce(stationary=true) needs clips of 769 samples or more, this one has {len(wave)}: leave "
            "stationary out, or give longer clips"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        denoised = package.reduce_noise(
            y=wave.astype(np.float64), sr=info.rate, stationary=stationary, prop_decrease=decrease, n_jobs=1
        )
    return np.where(np.isfinite(denoised), denoised, wave).astype(np.float32)
