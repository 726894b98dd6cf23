"""A smoothing spline, its smoothness by generalised cross-validation."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np


@nb.method("spline", track="functions", blind=True, cite="Craven & Wahba 1979")
def spline(samples: Any, info: Any) -> Any:
    """A cubic smoothing spline of one coordinate by scipy, float64 (M,); its penalty by GCV (Craven & Wahba 1979).

    Samples at one point count as their mean. Raises `Skip` for points of several coordinates, or fewer than 5 of them.
    """
    from scipy.interpolate import make_smoothing_spline

    if samples.x.shape[1] != 1:
        raise nb.Skip(f"splines are of one coordinate here, these points have {samples.x.shape[1]}")
    x, place = np.unique(samples.x[:, 0], return_inverse=True)
    if len(x) < 5:
        raise nb.Skip(f"a smoothing spline needs 5 points, these are {len(x)}")
    count = np.bincount(place)
    y = np.bincount(place, weights=samples.y) / count
    # scipy's criterion is ill-conditioned on a fine grid: unit spacing keeps its banded systems in range.
    scale = (len(x) - 1) / (x[-1] - x[0])
    fitted = make_smoothing_spline((x - x[0]) * scale, y, w=count.astype(float))
    return np.asarray(fitted(np.clip((samples.at[:, 0] - x[0]) * scale, 0, len(x) - 1)), dtype=np.float64)
