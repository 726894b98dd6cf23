"""How much the variances of the samples give away of the order: a property of the samples."""

from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("varsortability", track="graph", higher=False, order=7, decimals=3, goal="none")
def varsortability(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """The share of directed ways along which the variance grows: 1 where sorting by it gives the order.

    1/2 is chance. The graph of the method is not looked at. Ways of each length are counted by their ends, equal
    variances half (Reisach et al. 2021). Not defined for a graph without edges.
    """
    variances = samples.var(axis=0)
    # Standardised variances differ by rounding alone.
    ratio = variances[None, :] / np.maximum(variances[:, None], np.finfo(np.float64).tiny)
    grows = np.where(np.abs(ratio - 1) < 1e-9, 0.5, (ratio > 1).astype(np.float64))
    ways, total, count = truth.edges, 0.0, 0
    while ways.any():
        total += float(grows[ways].sum())
        count += int(ways.sum())
        ways = (ways.astype(np.float64) @ truth.edges) > 0
    return total / count if count else NotDefined("the true graph has no edge")
