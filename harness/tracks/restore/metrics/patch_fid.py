from __future__ import annotations

from ..set_metrics.definition import Count, PictureSetMetric, Side, set_metric


@set_metric("patch_fid")
def patch_fid(
    *, size: Side = 128, stride: Count = 64, most: Count = 64, allow_small: bool = False, reference: str = ""
) -> PictureSetMetric:
    """FID of squares of `size` on a grid of `stride`, at most `most` of each picture; not comparable with FID."""
    return PictureSetMetric("inception", "frechet", allow_small, reference, (size, stride, most))
