from __future__ import annotations

from ....components.decorators import metric
from ..set_metrics import Dims, Features, Judge, SampleSetMetric


@metric("fd", title="FD", track="generate", higher=False, order=100, set=True)
def fd(
    *, features: Features = "pixels", dims: Dims = 64, allow_small: bool = False, judge: Judge = None
) -> SampleSetMetric:
    """Fréchet distance of all samples to the reference set, in named features. Never to be called FID.

    `dims`: axes of pixels that are kept, those along which the reference varies most. Too high by what few samples
    cost: read it beside its floor, and never compare it across numbers of samples.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("frechet", features, dims, allow_small=allow_small, judge=judge)
