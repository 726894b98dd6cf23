"""What regimes share: the types of their parameters, and clipping and rounding where a regime is told to."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from annotated_types import Ge, Gt, Le

from ....spec.parameter_types import AxisLabel

Picture = npt.NDArray[np.float64]
"""(H, W, C), nominally on [0, 1]."""
Degraded = tuple[Picture, dict[str, Any]]
"""What a regime returns: the picture, and what it discloses."""

# The upper bounds are far from any use: they are there to refuse infinity.
Sigma = Annotated[float, Ge(0), Le(1e5), AxisLabel("σ (of 255)")]
Probability = Annotated[float, Ge(0), Le(1), AxisLabel("share of values replaced")]
Peak = Annotated[float, Gt(0), Le(1e9), AxisLabel("peak (counts)")]
Bits = Annotated[int, Ge(1), Le(16)]


def digitise(y: Picture, clip: bool, bits: int | None) -> Degraded:
    """Clip to [0, 1] where `clip`; round half to even onto the grid of `bits` bits where given.

    The two are independent: `bits` alone keeps what lies outside [0, 1], on the same grid. Discloses
    `bit_depth` where it rounds.
    """
    if clip:
        y = np.clip(y, 0.0, 1.0)
    if bits is None:
        return y, {}
    top = float(2**bits - 1)
    return np.rint(y * top) / top, {"bit_depth": bits}
