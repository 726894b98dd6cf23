from __future__ import annotations

from ....imaging.features.networks import NetworkName
from ..set_metrics.definition import PictureSetMetric, set_metric


@set_metric("fd_infinity")
def fd_infinity(*, features: NetworkName, allow_small: bool = False, reference: str = "") -> PictureSetMetric:
    """Fréchet distance in named features, extrapolated to infinitely many pictures, with its 95 % interval."""
    return PictureSetMetric(features, "infinity", allow_small, reference)
