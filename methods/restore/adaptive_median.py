from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


@nb.method("adaptive_median", layout="hwc", blind=True, cite="Hwang & Haddad 1995")
def adaptive_median(noisy: Any, info: Any, *, largest: Annotated[int, Ge(3), Le(99)] = 7) -> Any:
    """For impulses: replace only pixels that are extreme in their window, by the first median that is not.

    Hwang & Haddad (1995): windows grow from 3 to `largest` while the median itself is extreme; 7 is enough
    for 50 % of impulses.
    """
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter

    restored = noisy.copy()
    open_ = np.ones(noisy.shape, bool)
    for size in range(3, largest + 1, 2):
        window: dict[str, Any] = {"size": (size, size, 1), "mode": "reflect"}
        low, middle, high = (f(noisy, **window) for f in (minimum_filter, median_filter, maximum_filter))
        sound = open_ & (low < middle) & (middle < high)
        replace = sound & ((noisy <= low) | (noisy >= high))
        restored[replace] = middle[replace]
        open_ &= ~sound
    return restored
