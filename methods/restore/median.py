from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le


@nb.method("median", layout="hwc", blind=True, cite="Tukey 1977")
def median(noisy: Any, info: Any, *, size: Annotated[int, Ge(1), Le(255)] = 3) -> Any:
    """The median of a `size`×`size` window, channel by channel. 3 keeps the most detail (Tukey 1977)."""
    from scipy.ndimage import median_filter

    return median_filter(noisy, size=(size, size, 1), mode="reflect")
