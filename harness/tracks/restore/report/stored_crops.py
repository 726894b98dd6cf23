"""Stored crops as pixels: as they are to be looked at, and as they are to be scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....data.png_files import png_size

Picture = npt.NDArray[np.uint8]
_LARGEST = 1024
"""Pixels of a side, at most: few bytes may hold very many."""


def decode(png: bytes) -> Picture | None:
    """PNG bytes → uint8 (H, W, 3) RGB; None where they are not a picture."""
    raw = _read(png, colour=True)
    return None if raw is None else np.ascontiguousarray(raw[:, :, ::-1]).astype(np.uint8)


def stored_pixels(png: bytes) -> Picture | None:
    """PNG bytes → uint8 (H, W, 1) or (H, W, 3) RGB, as they are stored; None where they are not such a picture."""
    raw = _read(png, colour=False)
    if raw is None or raw.dtype != np.uint8 or (raw.ndim == 3 and raw.shape[2] != 3):
        return None
    pixels: Picture = raw[:, :, None] if raw.ndim == 2 else np.ascontiguousarray(raw[:, :, ::-1])
    return pixels


def _read(png: bytes, *, colour: bool) -> Any:
    import cv2

    size = png_size(png)
    if size is None or max(size) > _LARGEST:
        return None
    try:
        return cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_COLOR if colour else cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
