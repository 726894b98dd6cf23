"""Variables sorted by variance, each regressed on those before it: what the scale of simulated data gives away."""

from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
import numpy as np
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._regressed import sparse_weights
from noisebench.methods.graph._settings import Threshold


@nb.method(
    "sortnregress",
    track="graph",
    role="sanity",
    blind=True,
    cite="A. G. Reisach, C. Seiler, S. Weichwald, Beware of the simulated DAG! Causal discovery benchmarks may be easy "
    "to game, NeurIPS 2021",
)
def sortnregress(
    samples: Any, info: Any, *, by: Literal["variance", "r2"] = "variance", threshold: Threshold = 0.0
) -> Any:
    """Each variable by an adaptive lasso with BIC on those that come before it, weights (d, d).

    `by` is what they are sorted by: `variance`, or `r2`, the share of it that all the others explain, which does not
    change with the unit (Reisach et al. 2023).
    """
    scale = samples.var(axis=0)
    if by == "r2":
        inverse = np.diagonal(np.linalg.pinv(np.cov(samples, rowvar=False)))
        scale = 1 - 1 / np.maximum(inverse * samples.var(axis=0, ddof=1), 1.0)
    return pruned(sparse_weights(samples, np.argsort(scale, kind="stable")), threshold)
