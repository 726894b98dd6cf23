from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, K, SampleSetMetric


@metric("recall", title="recall", track="generate", higher=True, order=121, set=True)
def recall(*, features: Features = "pixels", dims: Dims = 64, k: K = 3, judge: Judge = None) -> SampleSetMetric:
    """The share of reference pictures that lie among the samples (Kynkäänniemi et al., NeurIPS 2019).

    In a ball around one of them, up to its `k`-th nearest other one; it grows with the number of samples.
    `dims`: axes of pixels that are kept, those along which the reference varies most.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("recall", features, dims, k, judge=judge)
