from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....imaging.resample import Resampling, shrink
from ....spec.parameter_types import AxisLabel, Later
from ..disclosure import SCALE, SETTINGS
from ._digitise import Bits, Degraded, Picture


@regime("downsample", discloses=("scale",), keeps=SETTINGS, adds_up=SCALE, title="×{scale}")
def downsample(
    x: Picture,
    rng: np.random.Generator,
    *,
    scale: Annotated[int, Ge(1), Le(64), AxisLabel("scale factor")],
    kernel: Resampling = "bicubic",
    bits: Annotated[Bits | None, Later()] = None,
) -> Degraded:
    """⌈H/scale⌉ × ⌈W/scale⌉ pixels; bicubic is antialiased, a = −0.5; bits=8 for tables of super-resolution networks.

    `bits=8` is for tables of super-resolution networks: their small pictures are files of 8 bit that MATLAB's
    `imresize` made. The picture is clipped and rounded, and rounded half up and clipped again when its columns have
    been made shorter, and once more when its rows have. Without `bits` all is float, and bicubic leaves [0, 1] at
    edges: a network that was trained on such files may lose several dB.
    """
    if bits is None:
        return shrink(x, scale, kernel), {"scale": scale}
    top = float(2**bits - 1)
    return shrink(np.rint(np.clip(x, 0, 1) * top), scale, kernel, top) / top, {"scale": scale, "bit_depth": bits}
