from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.loss("l2")
def l2(output: Any, wanted: Any) -> Any:
    """L2: the mean squared difference."""
    return (output - wanted).square().mean()
