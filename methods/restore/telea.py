from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.methods.restore._noise_level import per_channel


@nb.method("telea", layout="hwc", needs=("mask",), blind=True, cite="Telea 2004")
def telea(noisy: Any, info: Any, *, radius: Annotated[int, Ge(1)] = 3) -> Any:
    """Fast marching inpainting (Telea 2004) of the pixels where the mask is 0; known pixels stay."""
    import cv2

    missing = np.asarray(info.mask) <= 0
    if missing.all() or not missing.any():
        return noisy
    # OpenCV can read beyond the edge of fewer than three rows or columns: there the edge is repeated, mask and all.
    edge = [(int(side < 3),) * 2 for side in missing.shape]
    inner = tuple(slice(before, before + side) for (before, _), side in zip(edge, missing.shape, strict=True))
    byte = np.pad(missing.astype(np.uint8), edge, mode="edge")

    def fill(plane: Any) -> Any:
        # OpenCV takes gradients across missing pixels too: what is hidden there must not leak into the result.
        plane = np.where(missing, plane[~missing].mean(), plane)
        # Its float path works with absolute steps of about 1, so that [0, 1] itself comes out as noise.
        padded = np.pad(plane * 65535, edge, mode="edge")
        return cv2.inpaint(padded, byte, radius, cv2.INPAINT_TELEA)[inner] / 65535

    return np.where(missing[:, :, None], per_channel(fill, noisy), noisy).astype(np.float32)
