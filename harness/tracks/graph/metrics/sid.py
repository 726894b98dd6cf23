from __future__ import annotations

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..edges import wrong_effects
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("sid", title="SID", track="graph", higher=False, order=2, decimals=2)
def sid(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """Structural intervention distance: ordered pairs whose effect is wrong if one adjusts for the causes found.

    0 is best, d (d − 1) the most (Peters & Bühlmann 2015). Not defined for a graph that is no directed acyclic one.
    """
    if not estimate.acyclic:
        return NotDefined("is of directed acyclic graphs")
    return float(wrong_effects(truth.edges, estimate.edges))
