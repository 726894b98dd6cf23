from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Le

from ....components.decorators import metric
from ..set_metrics import Features, Judge, SampleSetMetric


@metric("density", title="density", track="generate", higher=True, order=122, set=True)
def density(
    *,
    features: Features = "pixels",
    dims: Annotated[int, Ge(1), Le(4096)] = 64,
    k: Annotated[int, Ge(1), Le(1000)] = 5,
    judge: Judge = None,
) -> SampleSetMetric:
    """In how many balls of reference pictures a sample lies, over `k` (Naeem et al., ICML 2020).

    A ball reaches to the `k`-th nearest other picture of the reference. About 1 for its own law, and it may be above.
    `dims`: axes of pixels that are kept, those along which the reference varies most.
    `judge`: a `trained(…)` of the track `classify`; features are then what its last layer is given.
    """
    return SampleSetMetric("density", features, dims, k, judge=judge)
