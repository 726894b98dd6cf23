from __future__ import annotations

from ..set_metrics.definition import PictureSetMetric, set_metric


@set_metric("fid_infinity")
def fid_infinity(*, allow_small: bool = False, reference: str = "") -> PictureSetMetric:
    """FID extrapolated to infinitely many pictures (Chong and Forsyth 2020), with its 95 % interval."""
    return PictureSetMetric("inception", "infinity", allow_small, reference)
