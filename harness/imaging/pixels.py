"""Pixels: the shapes and types of pictures, and their hashes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.errors import UsageError

Array = npt.NDArray[Any]
Float = npt.NDArray[np.float64]
_ONE = {np.dtype(f): np.array(1, f).view(u)[()] for f, u in ((np.float32, np.uint32), (np.float64, np.uint64))}
DEPTH_OF_TYPE = {"uint8": 8, "uint16": 16}
"""Bits of the whole-number types that a picture may have."""
_DEPTH_OF_CHAR = {np.dtype(name).char: bits for name, bits in DEPTH_OF_TYPE.items()}
_STRIP = 1 << 14


def as_hwc(picture: Array) -> Array:
    """(H, W) or (H, W, C) → (H, W, C)."""
    return picture[:, :, None] if picture.ndim == 2 else picture


def depth_of(picture: Array) -> int | None:
    """Bits of a picture of whole numbers, in either order of bytes; None of another."""
    return _DEPTH_OF_CHAR.get(picture.dtype.char)  # to ask for the name of a type takes microseconds


def pixel_sha256(picture: Array) -> str:
    """SHA-256 of dtype, shape and pixels; (H, W) and (H, W, 1) are the same picture, and zeros have no sign.

    Raises `UsageError`.

        >>> picture = np.zeros((4, 5), np.uint8)
        >>> nb.pixel_sha256(picture) == nb.pixel_sha256(picture[:, :, None])
        True
    """
    if not isinstance(picture, np.ndarray):
        raise UsageError(f"a picture is an array (H, W[, C]), not {type(picture).__name__}")
    flat = picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    little = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("<"))
    head = f"{little.dtype.str.lstrip('<|')} {'x'.join(map(str, little.shape))}\n".encode()
    signless = little + 0 if little.dtype.kind == "f" else little
    return hashlib.sha256(head + signless.tobytes()).hexdigest()


def canonical(picture: Array) -> Array:
    """The same values in the narrowest type that holds them: uint8, else uint16, else float32.

    A float is k/255 (k/65535) where it is within 2⁻²³ of it, the last place of a float32 just below 2, so that a
    picture divided by 255 in any precision is the 8-bit picture again.
    """
    if depth_of(picture) == 16:
        eighth = picture // 257  # v/65535 = k/255 where v = 257 k
        return eighth.astype(np.uint8) if np.array_equal(eighth * np.uint16(257), picture) else picture
    if picture.dtype.kind != "f":
        return picture
    for kind in (np.uint8, np.uint16):
        whole = _on_grid(picture, kind)
        if whole is not None:
            return whole
    return picture.astype(np.float32, copy=False)


def _on_grid(picture: Array, kind: type[np.uint8] | type[np.uint16]) -> Array | None:
    """The whole numbers that a float picture is of, None where a value lies between them."""
    top = float(np.iinfo(kind).max)
    flat = np.ascontiguousarray(picture).reshape(-1)
    whole = np.empty(flat.shape, kind)
    for start in range(0, flat.size, _STRIP):
        scaled = flat[start : start + _STRIP].astype(np.float64) * top
        nearest = np.rint(scaled)
        inside = nearest.min() >= 0 and nearest.max() <= top
        if not (inside and (np.abs(scaled - nearest) <= top * 2.0**-23).all()):
            return None
        whole[start : start + _STRIP] = nearest
    return whole.reshape(picture.shape)


def value_sha256(picture: Array) -> str:
    """SHA-256 of shape and values: the same for a picture in 8 bits, in 16, and as float of /255."""
    return pixel_sha256(canonical(picture))


def bytes_sha256(picture: Array) -> str:
    """SHA-256 of the float32 little-endian pixels in (H, W, C) order: `input_sha256` of a row."""
    return hashlib.sha256(np.ascontiguousarray(picture, dtype="<f4").data).hexdigest()


def to_unit(picture: Array) -> Float:
    """uint8, uint16 or float → float64 on [0, 1], (H, W, C). Raises `UsageError` for another type or NaN."""
    hwc = as_hwc(picture)
    if (depth := depth_of(hwc)) is not None:
        return hwc / float(2**depth - 1)
    if hwc.dtype.kind != "f":
        raise UsageError(f"a picture is uint8, uint16 or float on [0, 1], not {hwc.dtype}")
    if not np.isfinite(hwc).all():
        raise UsageError("a picture holds NaN or Inf: give float values on [0, 1]")
    return hwc.astype(np.float64)


def is_unit(picture: Array) -> bool:
    """Whether all values of a float picture are on [0, 1]; False may be wrong. One pass, in half the time of two."""
    if picture.dtype not in _ONE:
        return False
    one = _ONE[picture.dtype]  # what is negative, above 1, NaN or Inf is larger, read as a whole number
    return bool(picture.view(one.dtype).max() <= one)
