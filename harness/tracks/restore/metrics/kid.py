from __future__ import annotations

from ....imaging.features.networks import NetworkName
from ..set_metrics.definition import Count, PictureSetMetric, Side, patch_of, set_metric


@set_metric("kid")
def kid(
    *, features: NetworkName = "inception", patch: Side | None = None, stride: Count = 64, most: Count = 64,
    reference: str = "",
) -> PictureSetMetric:  # fmt: skip
    """Kernel distance (Bińkowski et al. 2018), unbiased at every number of pictures, with its standard error."""
    return PictureSetMetric(features, "kernel", True, reference, patch_of(patch, stride, most))
