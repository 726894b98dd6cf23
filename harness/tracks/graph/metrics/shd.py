from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..dag import Floats
from ..edges import Edges
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("shd", title="SHD", track="graph", higher=False, order=0, decimals=2, gate={"max_drop": 0.5})
def shd(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """Structural Hamming distance: edges too many, missing and the wrong way round, each 1; 0 is best.

    An edge without direction, where one with it is due, counts 1 (Tsamardinos et al. 2006).
    """
    return float(differing_pairs(estimate.edges, truth.edges))


def differing_pairs(one: Edges, other: Edges) -> int:
    """Pairs of variables between which two graphs differ: no edge, one way, the other way, or no direction."""
    differ = one != other
    return int(np.triu(differ | differ.T, 1).sum())
