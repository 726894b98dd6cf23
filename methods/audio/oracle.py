"""The true clip: what a perfect method scores."""

from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.method("oracle", track="audio", oracle=True, role="sanity")
def oracle(wave: Any, info: Any) -> Any:
    """The true clip, float32 (N,). Raises `Skip` where it is not at hand."""
    if info.sample is None:
        raise nb.Skip("needs the true clip, which is not at hand here")
    return info.sample.wave.copy()
