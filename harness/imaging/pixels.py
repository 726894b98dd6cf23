"""Pixels: the shapes and types of pictures, and their hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import UsageError

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]
DEPTH_OF_TYPE = {"uint8": 8, "uint16": 16}
"""Bits of the whole-number types that a picture may have."""


def as_hwc(picture: Array) -> Array:
    """(H, W) or (H, W, C) → (H, W, C)."""
    return picture[:, :, None] if picture.ndim == 2 else picture


def pixel_sha256(picture: Array) -> str:
    """SHA-256 of dtype, shape and pixels; (H, W) and (H, W, 1) are the same picture."""
    flat = picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    little = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("<"))
    head = f"{little.dtype.str.lstrip('<|')} {'x'.join(map(str, little.shape))}\n".encode()
    return hashlib.sha256(head + little.tobytes()).hexdigest()


def bytes_sha256(picture: Array) -> str:
    """SHA-256 of the float32 little-endian pixels in (H, W, C) order: `input_sha256` of a row."""
    return hashlib.sha256(np.ascontiguousarray(picture, dtype="<f4").data).hexdigest()


def to_unit(picture: Array) -> Float:
    """uint8, uint16 or float → float64 on [0, 1], (H, W, C). Raises `UsageError` for another type or NaN."""
    hwc = as_hwc(picture)
    if hwc.dtype.name in DEPTH_OF_TYPE:
        return hwc / float(2 ** DEPTH_OF_TYPE[hwc.dtype.name] - 1)
    if hwc.dtype.kind != "f":
        raise UsageError(f"a picture is uint8, uint16 or float on [0, 1], not {hwc.dtype}")
    if not np.isfinite(hwc).all():
        raise UsageError("a picture holds NaN or Inf: give float values on [0, 1]")
    return hwc.astype(np.float64)
