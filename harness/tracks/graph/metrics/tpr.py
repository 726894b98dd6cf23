from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..edges import Edges
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("tpr", title="TPR", track="graph", order=3, decimals=3)
def tpr(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """The share of the true edges that were found with their direction; 1 is best. Not defined where there are none."""
    if not truth.edges.any():
        return NotDefined("the true graph has no edge")
    return float(right_edges(estimate.edges, truth.edges) / truth.edges.sum())


def right_edges(estimated: Edges, truth: Edges) -> int:
    """How many edges are true ones with their direction; one without it is none."""
    return int((estimated & ~estimated.T & truth).sum())
