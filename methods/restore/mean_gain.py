from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le


@nb.method("mean_gain", layout="hwc", role="baseline", blind=True, enhances=True)
def mean_gain(noisy: Any, info: Any, *, mean: Annotated[float, Gt(0), Le(1)] = 0.49) -> Any:
    """One gain a picture, by which its mean comes to a given one: exposure mended by the least that can be known.

    What is above 1 then is cut off, so that the mean of a picture of high contrast ends lower. Black stays black.
    """
    level = float(noisy.mean(dtype=np.float64))
    return np.clip(noisy * np.float32(mean / level), 0, 1) if level > 0 else noisy
