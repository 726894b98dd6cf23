"""The true matrix: what a perfect recovery scores."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("oracle", track="matrix", oracle=True, role="sanity")
def oracle(given: Any, info: Any) -> Any:
    """The true matrix, float64 (p, q), 0 where it is not known. Raises `Skip` where it is not at hand."""
    if info.sample is None:
        raise nb.Skip("needs the true matrix, which is not at hand here")
    return np.nan_to_num(info.sample.truth)
