from __future__ import annotations

import noisebench as nb


@nb.schedule("constant")
def constant(progress: float) -> float:
    """Constant: the rate as it is."""
    return 1.0
