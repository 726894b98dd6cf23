from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..sampling import Samples, Truth


@regime("standardised", track="graph", of="samples", title="standardised")
def standardised(samples: Samples, rng: np.random.Generator) -> Samples:
    """Each variable less its mean and over its standard deviation; true weights and noise levels with it.

    Variances of simulated graphs grow along their order, which methods profit from (Reisach et al. 2021).
    """
    scale = samples.values.std(axis=0)
    scale[scale == 0] = 1.0
    truth = samples.truth
    weights = None if truth.weights is None else truth.weights * scale[:, None] / scale
    levels = None if truth.levels is None else truth.levels / scale
    return Samples((samples.values - samples.values.mean(axis=0)) / scale, Truth(truth.edges, weights, levels))
