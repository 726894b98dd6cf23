"""Each pixel (all channels) is kept with probability keep, else 0; mask is (H, W), 1 where known."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from ....components import regime
from ....parameter_types import AxisLabel
from ..disclosure import MASK, POINTWISE
from ._digitise import Degraded, Picture


@regime("mask", discloses=("mask",), keeps=POINTWISE, adds_up=MASK)
def mask(
    x: Picture, rng: np.random.Generator, *, keep: Annotated[float, Gt(0), Le(1), AxisLabel("share of pixels kept")]
) -> Degraded:
    """Each pixel (all channels) is kept with probability keep, else 0; mask is (H, W), 1 where known."""
    known = (rng.random(x.shape[:2]) < keep).astype(np.float64)
    return x * known[:, :, None], {"mask": known}
