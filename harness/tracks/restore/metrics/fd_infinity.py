from __future__ import annotations

from ....imaging.features.networks import NetworkName
from ..set_metrics.definition import SetMetric, set_metric


@set_metric("fd_infinity")
def fd_infinity(*, features: NetworkName, allow_small: bool = False, reference: str = "") -> SetMetric:
    """Fréchet distance in named features, extrapolated to infinitely many pictures, with its 95 % interval."""
    return SetMetric(features, "infinity", allow_small, reference)
