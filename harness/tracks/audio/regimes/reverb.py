"""Reverberation of a room."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..clip import Floats

GAP = 0.0025
"""Seconds between the direct sound and the first reflection."""


@regime("reverb", track="audio", discloses=("rt60",), title="RT60 {rt60} s, {drr} dB")
def reverb(
    wave: Floats,
    rng: np.random.Generator,
    rate: int,
    *,
    rt60: Annotated[float, Gt(0), Le(10), AxisLabel("RT60 (s)")],
    drr: Annotated[float, Ge(-40), Le(60), AxisLabel("direct to reverberant (dB)")] = 0.0,
) -> tuple[Floats, dict[str, Any]]:
    """The direct sound, and from 2.5 ms on Gaussian noise that falls by 60 dB in `rt60` seconds, convolved with it.

    drr: the energy of the direct sound over that of the rest of the response, dB. What rings on behind the end is cut
    off; the direct sound keeps its place and its level, so that the truth is the clip as it is. Discloses rt60.
    """
    from scipy.signal import fftconvolve

    first = max(1, round(GAP * rate))
    length = min(first + int(np.ceil(rt60 * rate)), first + len(wave))
    tail = np.zeros(length)
    decay = 10 ** (-3 * np.arange(length - first) / (rt60 * rate))
    tail[first:] = rng.standard_normal(length - first) * decay
    tail *= np.sqrt(10 ** (-drr / 10) / np.sum(tail**2))
    return wave + fftconvolve(wave, tail)[: len(wave)], {"rt60": float(rt60)}
