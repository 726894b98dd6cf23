from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..dag import Floats
from ..estimated_graph import EstimatedGraph
from ..sampling import Truth


@metric("noise_error", title="error of noise levels", track="graph", higher=False, order=6)
def noise_error(estimate: EstimatedGraph, truth: Truth, samples: Floats) -> float:
    """Root mean squared relative error of the noise's standard deviations; 0 is best.

    A method that gives none is judged by what its weights leave of the samples. Not defined where they are unknown.
    """
    if truth.levels is None:
        return NotDefined("the true noise levels of measured samples are not known")
    with np.errstate(all="ignore"):
        error = float(np.sqrt(np.mean((estimate.levels / truth.levels - 1) ** 2)))
    return error if np.isfinite(error) else NotDefined("levels that are 0, or not finite, have no relative error")
