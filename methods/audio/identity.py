"""The noisy clip as it is: what every method must beat."""

from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.method("identity", track="audio", role="sanity", blind=True)
def identity(wave: Any, info: Any) -> Any:
    """The noisy clip as it is, float32 (N,)."""
    return wave
