"""Values as JSON has them: the one rule for NaN, infinity and text that UTF-8 lacks."""

from __future__ import annotations

import math
from typing import Any


def plain(value: Any) -> Any:
    """NaN is null, infinity is the text "inf" or "-inf", a lone surrogate is a question mark; all else stays."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value
