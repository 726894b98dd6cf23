"""⌈H/scale⌉ × ⌈W/scale⌉ pixels; bicubic is antialiased, a = −0.5, as in super-resolution papers."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from ....components import regime
from ....imaging.resample import Resampling, shrink
from ..disclosure import SCALE, SETTINGS
from ._digitise import Degraded, Picture


@regime("downsample", discloses=("scale",), keeps=SETTINGS, adds_up=SCALE)
def downsample(
    x: Picture,
    rng: np.random.Generator,
    *,
    scale: Annotated[int, Ge(1), Le(64)],
    kernel: Resampling = "bicubic",
) -> Degraded:
    """⌈H/scale⌉ × ⌈W/scale⌉ pixels; bicubic is antialiased, a = −0.5, as in super-resolution papers."""
    return shrink(x, scale, kernel), {"scale": scale}
