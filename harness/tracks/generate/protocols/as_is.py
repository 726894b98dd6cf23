from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....components.decorators import protocol


@protocol("as_is", track="generate")
def as_is(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Pictures (N, C, H, W) as they are: for laws, whose pictures leave [-1, 1]."""
    return pictures
