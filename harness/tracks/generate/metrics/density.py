from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, K, SampleSetMetric


@metric("density", title="density", track="generate", higher=True, order=122, set=True)
def density(*, features: Features = "pixels", dims: Dims = 64, k: K = 5, judge: Judge = None) -> SampleSetMetric:
    """In how many balls of reference pictures a sample lies, over `k` (Naeem et al., ICML 2020).

    A ball reaches to the `k`-th nearest other picture of the reference. About 1 for its own law, and it may be above.
    `dims`: axes of pixels that are kept, those along which the reference varies most.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("density", features, dims, k, judge=judge)
