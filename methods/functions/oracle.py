"""The true values: what a perfect fit scores."""

from __future__ import annotations

from typing import Any

import noisebench as nb


@nb.method("oracle", track="functions", oracle=True, role="sanity")
def oracle(samples: Any, info: Any) -> Any:
    """The true values at the held-out points, float64 (M,). Raises `Skip` where they are not at hand."""
    if info.sample is None:
        raise nb.Skip("needs the true values, which are not at hand here")
    return info.sample.truth.copy()
