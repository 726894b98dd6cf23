"""The true edges: what a method that knows the graph makes of the samples."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.graph._regressed import regressed


@nb.method("oracle", track="graph", oracle=True, role="sanity")
def oracle(samples: Any, info: Any) -> Any:
    """The true edges, weights (d, d) by least squares on the samples. Raises `Skip` where they are not at hand."""
    if info.sample is None:
        raise nb.Skip("needs the true graph, which is not at hand here")
    return regressed(samples, info.sample.weights != 0)
