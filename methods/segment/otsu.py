from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


@nb.method(
    "otsu",
    track="segment",
    layout="hwc",
    blind=True,
    zero_shot=True,
    cite="N. Otsu, A threshold selection method from gray-level histograms, IEEE Trans. SMC 9(1), 1979",
)
def otsu(
    picture: Any,
    info: Any,
    *,
    smooth: Annotated[float, Ge(0), Le(100)] = 0.0,
    objects: Literal["bright", "dark"] = "bright",
) -> Any:
    """Otsu's threshold, by scikit-image: what is brighter than the level that best parts the grey values is class 1.

    smooth: standard deviation of a Gaussian filter before it, in pixels. objects: which side of the threshold they are
    on. Logits (2, H, W) grow with the distance from the threshold. Raises `Skip` for other than two classes.
    """
    from scipy.ndimage import gaussian_filter
    from skimage.filters import threshold_otsu

    if info.classes != 2:
        raise nb.Skip(f"one threshold parts two classes, not {info.classes}")
    grey = picture.mean(axis=2, dtype=np.float64)
    grey = gaussian_filter(grey, smooth) if smooth else grey
    above = grey - threshold_otsu(grey) if grey.min() < grey.max() else np.zeros_like(grey)  # type: ignore[no-untyped-call]
    logit = 50 * (above if objects == "bright" else -above)
    return np.stack([np.zeros_like(logit), logit]).astype(np.float32)
