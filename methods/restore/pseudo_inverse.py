from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Lt
from noisebench.methods.restore._measurement import measurement


@nb.method("pseudo_inverse", layout="hwc", role="sanity")
def pseudo_inverse(noisy: Any, info: Any, *, least: Annotated[float, Ge(0), Lt(1)] = 0.01) -> Any:
    """The pseudo-inverse of holes, blur or fewer pixels: what was measured, and mid-grey in all that was not.

    float32 (H, W, C) → the same, or as large as is wanted. Of pictures between -1 and 1 it is the one of least norm, at
    which solvers of inverse problems begin. least: singular values below count as not measured; those of a blur go down
    to nothing, and noise is divided by them.
    """
    at = measurement(noisy, info, "pseudo_inverse")
    return at.cut(at.inverse(np.full_like(at.start, 0.5), least or 1e-6)).astype(np.float32)
