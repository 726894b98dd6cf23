from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("weight_error", title="error of weights", track="graph", higher=False, order=5)
def weight_error(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """‖Ŵ − W‖ / ‖W‖ (Frobenius); 0 is best, 1 that of no edges. Not defined where W is not known, or 0."""
    if truth.weights is None:
        return NotDefined("the true weights of measured samples are not known")
    size = float(np.linalg.norm(truth.weights))
    if size == 0:
        return NotDefined("the true graph has no edge")
    return float(np.linalg.norm(estimate.weights - truth.weights)) / size
