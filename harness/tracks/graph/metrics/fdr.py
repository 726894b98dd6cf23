from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth
from .tpr import right_edges


@metric("fdr", title="FDR", track="graph", higher=False, order=4, decimals=3)
def fdr(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """The share of the edges found that are not true or not so directed; 0 is best, and that of no edges at all."""
    count = int(np.triu(estimate.edges | estimate.edges.T).sum())
    return 1 - right_edges(estimate.edges, truth.edges) / count if count else 0.0
