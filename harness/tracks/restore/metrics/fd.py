from __future__ import annotations

from ....imaging.features.networks import NetworkName
from ..set_metrics.definition import Count, PictureSetMetric, Side, patch_of, set_metric


@set_metric("fd")
def fd(
    *, features: NetworkName, patch: Side | None = None, stride: Count = 64, most: Count = 64,
    allow_small: bool = False, reference: str = "",
) -> PictureSetMetric:  # fmt: skip
    """Fréchet distance in named features, of whole pictures or of patches. Never to be called FID."""
    return PictureSetMetric(features, "frechet", allow_small, reference, patch_of(patch, stride, most))
