"""Noise schedules of the library `diffusers`: the level of noise of each of its times, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def levels_of(scheduler: Any) -> Floats:
    """The deviation of the noise on a picture of each time of a scheduler, rising, (T,)."""
    kept = scheduler.alphas_cumprod.double().numpy()
    levels: Floats = np.sqrt((1 - kept) / kept)
    return levels


def times_at(levels: Floats, sigma: Any) -> Any:
    """The times of levels of noise, between whole ones by the logarithm of the level; beyond the ends these."""
    return np.interp(np.log(sigma), np.log(levels), np.arange(len(levels)))


def level_at(levels: Floats, time: float) -> float:
    """The level of noise at a time, which need not be whole."""
    return float(np.exp(np.interp(time, np.arange(len(levels)), np.log(levels))))
