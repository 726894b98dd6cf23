from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....components.decorators import protocol


@protocol("uint8", track="generate")
def uint8(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Pictures (N, C, H, W) clipped to [-1, 1] and rounded to 256 steps, half to even; back on [-1, 1]."""
    steps = np.rint((np.clip(pictures.astype(np.float64), -1, 1) + 1) * 127.5)
    return steps / 127.5 - 1
