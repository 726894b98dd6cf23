from __future__ import annotations

from ..set_metrics.definition import PictureSetMetric, set_metric


@set_metric("fid")
def fid(*, allow_small: bool = False, reference: str = "") -> PictureSetMetric:
    """Fréchet Inception distance (Heusel et al. 2017): 2048 pooled features, antialiased bicubic to 299²."""
    return PictureSetMetric("inception", "frechet", allow_small, reference)
