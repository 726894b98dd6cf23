from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, K, SampleSetMetric


@metric("precision", title="precision", track="generate", higher=True, order=120, set=True)
def precision(*, features: Features = "pixels", dims: Dims = 64, k: K = 3, judge: Judge = None) -> SampleSetMetric:
    """The share of samples that lie among reference pictures (Kynkäänniemi et al., NeurIPS 2019).

    In a ball around one of them, up to its `k`-th nearest other one. Samples that are all one good picture have 1.
    `dims`: axes of pixels that are kept, those along which the reference varies most.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("precision", features, dims, k, judge=judge)
