from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ..disclosure import COUNTED, COUNTS
from ._digitise import Bits, Degraded, Picture, digitise
from ._tukey import tukey


@regime(
    "sensor", discloses=("peak", "sigma", "iso", "ratio", "bit_depth"), keeps=COUNTED, adds_up=COUNTS, cuts=("clip",)
)
def sensor(
    x: Picture,
    rng: np.random.Generator,
    *,
    iso: Annotated[float, Ge(1), Le(1e7), AxisLabel("ISO")],
    ratio: Annotated[float, Ge(1), Le(1e4)] = 1.0,
    full_well: Annotated[float, Ge(1), Le(1e8)] = 50_000.0,
    read: Annotated[float, Ge(0), Le(1e5)] = 3.0,
    shape: Annotated[float, Ge(-0.4), Le(1)] = -0.1,
    row: Annotated[float, Ge(0), Le(1e5)] = 0.5,
    bits: Bits = 14,
    clip: bool = False,
) -> Degraded:
    """Raw noise of a camera: shot, Tukey-lambda read, row and quantisation noise; under-exposed by ratio.

    At ISO 100 the white level is `full_well` electrons, at `iso` it is full_well·100/iso. The scene x (taken
    as linear) gives x·white/ratio electrons (Poisson). To them come read noise of standard deviation `read`
    electrons with the Tukey-lambda distribution of that `shape` (0.14 is near Gaussian, below 0 has heavy
    tails), and one Gaussian offset of `row` electrons for each row, the same in all channels. The sum is
    rounded to `bits` bits of white and multiplied by ratio. With `clip` it is clipped to black and white
    before rounding, and to [0, 1] after brightening. Model after Wei et al. 2020 (CVPR), "A physics-based
    noise formation model for extreme low-light raw denoising".

    A camera knows: `iso`, `ratio`, `bit_depth`, `peak` (electrons at 1) and `sigma`, the standard deviation
    of what does not depend on the signal (read, row and quantisation).
    """
    white = full_well * 100 / iso
    peak = white / ratio
    electrons = rng.poisson(np.maximum(x, 0) * peak) + read * tukey(rng, x.shape, shape)
    electrons = electrons + row * rng.standard_normal((x.shape[0], 1, 1))
    raw, depth = digitise(electrons / white, clip, bits)
    y, _ = digitise(raw * ratio, clip, None)
    step = ratio / (2**bits - 1)
    sigma = math.sqrt((read**2 + row**2) / peak**2 + step**2 / 12)
    return y, {"peak": peak, "sigma": sigma, "iso": iso, "ratio": ratio, **depth}
