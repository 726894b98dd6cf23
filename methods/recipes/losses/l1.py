from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.loss("l1")
def l1(output: Any, wanted: Any) -> Any:
    """L1: the mean absolute difference."""
    return (output - wanted).abs().mean()
