from __future__ import annotations

from ....imaging.features.networks import NetworkName
from ..set_metrics.definition import Count, SetMetric, Side, patch_of, set_metric


@set_metric("fd")
def fd(
    *, features: NetworkName, patch: Side | None = None, stride: Count = 64, most: Count = 64,
    allow_small: bool = False, reference: str = "",
) -> SetMetric:  # fmt: skip
    """Fréchet distance in named features, of whole pictures or of patches. Never to be called FID."""
    return SetMetric(features, "frechet", allow_small, reference, patch_of(patch, stride, most))
