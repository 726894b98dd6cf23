from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, K, SampleSetMetric


@metric("coverage", title="coverage", track="generate", higher=True, order=123, set=True)
def coverage(*, features: Features = "pixels", dims: Dims = 64, k: K = 5, judge: Judge = None) -> SampleSetMetric:
    """The share of reference pictures that have a sample nearby (Naeem et al., ICML 2020).

    In its ball, up to its `k`-th nearest other picture of the reference.
    `dims`: axes of pixels that are kept, those along which the reference varies most.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("coverage", features, dims, k, judge=judge)
