from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.restore._clean import clean_of


@nb.method("oracle", layout="hwc", oracle=True, role="sanity")
def oracle(noisy: Any, info: Any) -> Any:
    """The clean picture itself, float32 on [0, 1]: what a perfect method would score."""
    return clean_of(info).astype(np.float32)
