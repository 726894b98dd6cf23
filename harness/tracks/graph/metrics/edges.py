from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("edges", track="graph", order=8, decimals=1, goal="none")
def edges(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """How many edges the graph has, with and without direction."""
    return float(np.triu(estimate.edges | estimate.edges.T).sum())
