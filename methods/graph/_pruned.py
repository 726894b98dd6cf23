"""From weights near a graph to a graph: small ones dropped, then the smallest until there is no cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
from noisebench.tracks.graph import is_acyclic


def pruned(weights: Any, threshold: float) -> Any:
    """Weights (d, d) with those up to `threshold` set to 0, and then the smallest ones until the graph is acyclic."""
    kept = np.where(np.abs(weights) > threshold, weights, 0.0)
    np.fill_diagonal(kept, 0.0)
    places = np.flatnonzero(kept)
    for place in places[np.argsort(np.abs(kept.flat[places]), kind="stable")]:
        if is_acyclic(kept != 0):
            break
        kept.flat[place] = 0.0
    return kept
