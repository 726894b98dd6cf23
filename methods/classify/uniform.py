"""No class is likelier than another: what every classifier must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("uniform", track="classify", role="baseline", blind=True, layout="hwc")
def uniform(picture: Any, info: Any) -> Any:
    """No class is likelier than another: logits (K,) of zeros, so that the first class is taken."""
    return np.zeros(info.classes, np.float32)
