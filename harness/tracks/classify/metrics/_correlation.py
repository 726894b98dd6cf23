"""How alike two maps are."""

from __future__ import annotations

import numpy as np

from ....imaging.pixels import Array


def correlation(a: Array, b: Array) -> float:
    """Pearson's correlation of the pixels of two maps; 1 of equal ones, 0 where one alone is flat."""
    if np.array_equal(a, b):
        return 1.0
    x, y = (one.astype(np.float64).ravel() - one.mean(dtype=np.float64) for one in (a, b))
    x, y = (one / (np.abs(one).max() or 1.0) for one in (x, y))
    lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
    flat = [bool(one.min() == one.max()) for one in (a, b)]
    return float(all(flat)) if any(flat) or lengths == 0 else float(x @ y) / lengths
