from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..edges import class_of, topological_order
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth
from .shd import differing_pairs


@metric("shd_cpdag", title="SHD of CPDAG", track="graph", higher=False, order=1, decimals=2)
def shd_cpdag(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """Structural Hamming distance of the CPDAGs, for methods that tell a graph up to its equivalence class; 0 is best.

    A graph with edges without direction is taken for a CPDAG as it is. Not defined where the other edges form a cycle.
    """
    directed = estimate.edges & ~estimate.edges.T
    if topological_order(directed) is None:
        return NotDefined("its edges form a cycle, which no class of acyclic graphs has")
    partly = (estimate.edges & estimate.edges.T).any()
    return float(differing_pairs(estimate.edges if partly else class_of(estimate.edges), class_of(truth.edges)))
