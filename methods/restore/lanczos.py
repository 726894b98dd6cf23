from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.restore._inverse import enlarge


@nb.method("lanczos", layout="hwc", needs=("scale",), blind=True, cite="Duchon 1979")
def lanczos(noisy: Any, info: Any, *, lobes: Annotated[int, Ge(1)] = 3) -> Any:
    """Windowed sinc of three `lobes` (Duchon 1979), sharper than `bicubic`."""

    def windowed(t: Any) -> Any:
        return np.where(np.abs(t) < lobes, np.sinc(t) * np.sinc(t / lobes), 0)

    return enlarge(noisy, info, windowed, lobes)
