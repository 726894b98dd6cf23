from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, SampleSetMetric


@metric("kd", title="KD", track="generate", higher=False, order=101, set=True)
def kd(*, features: Features = "pixels", dims: Dims = 4096, judge: Judge = None) -> SampleSetMetric:
    """Kernel distance (KID) of all samples to the reference set, in named features, with its standard error.

    Unbiased at every number of samples (Bińkowski et al. 2018). `dims`: axes of pixels that are kept, of more.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("kernel", features, dims, judge=judge)
