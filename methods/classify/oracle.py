"""The true label: what a perfect classifier scores."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("oracle", track="classify", oracle=True, role="sanity", layout="hwc")
def oracle(picture: Any, info: Any) -> Any:
    """Logits (K,) that are sure of the true label. Raises `Skip` where it is not at hand."""
    if info.sample is None:
        raise nb.Skip("needs the true label, which is not at hand here")
    logits = np.zeros(info.classes, np.float32)
    logits[info.sample.label] = 50
    return logits
