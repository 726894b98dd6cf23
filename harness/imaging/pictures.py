"""Read and write picture files, safely: what cannot be read faithfully is refused with the file's name."""

from __future__ import annotations

import io
import os
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..data.disk import write_file
from ..data.folders import path_of
from ..text.errors import UsageError, one_line
from .containers import Unreadable, check, kind_of
from .pixels import depth_of
from .validation import WIDEST, channels_first

Array = npt.NDArray[Any]

PICTURE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".pgm", ".ppm", ".pnm", ".pbm", ".npy", ".dcm",
)  # fmt: skip
"""File name endings that are taken for pictures, in lower case.

For example:

    >>> [name for name in ("a.PNG", "notes.txt") if Path(name).suffix.lower() in nb.PICTURE_SUFFIXES]
    ['a.PNG']
"""


def read_picture(path: str | os.PathLike[str]) -> Array:
    """A picture file as uint8, uint16 or float32 [0, 1], grey (H, W) or RGB (H, W, 3).

    PNG, JPEG, TIFF, BMP, WebP and PNM, told by content and not by name, in their own bit depth; palettes are
    expanded to RGB; an alpha channel that is opaque everywhere is dropped. The stored pixels count: gamma and
    colour profiles are ignored. `.npy`: uint8, uint16, float (H, W[, C]); complex is
    read as its magnitude. DICOM of one frame, by pydicom: of CT, −1024 HU are 0 and 3072 are 1. Raises `UsageError`
    naming file and remedy where the file is missing, empty, cut short or damaged, or is transparent, animated,
    CMYK, of several pages, of another depth, or stored in another orientation than it is shown (EXIF), because some
    programs turn such a picture and others do not.

        >>> np.save("flat.npy", np.zeros((4, 5), np.float32))
        >>> nb.read_picture("flat.npy").dtype
        dtype('float32')
    """
    try:
        data = path_of(path, "a picture file").read_bytes()
    except OSError as error:
        why = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise UsageError(f"picture {_name(path)} {why}: check the path") from None
    except ValueError:
        raise UsageError(f"picture {_name(path)} cannot be read: its name has a null character") from None
    try:
        return decode_picture(data)
    except Unreadable as why_not:
        raise UsageError(f"picture {_name(path)} {one_line(why_not)}") from None


def decode_picture(data: bytes) -> Array:
    """The same from the bytes of a file. Raises `Unreadable`."""
    kind = kind_of(data)
    if kind == "npy":
        return _decode_npy(data)
    if kind == "dicom":
        from .stacks import decode_dicom

        return decode_dicom(data)
    check(data, kind)
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise Unreadable("is too large, with more than 2³⁰ pixels: cut it into tiles") from None
        decoded = None
    if decoded is None or decoded.size == 0:
        raise Unreadable(f"is a damaged or unusual {kind.upper()}: save it again as PNG")
    # A PNG of grey with alpha (colour type 4, byte 25 of the file) is decoded as four channels.
    return np.ascontiguousarray(_to_rgb(decoded, grey=kind == "png" and data[25] == 4))


def _to_rgb(decoded: Array, grey: bool) -> Array:
    if decoded.dtype == np.float64:
        decoded = decoded.astype(np.float32)
    if decoded.dtype not in (np.uint8, np.uint16, np.float32):
        raise Unreadable(f"has pixels of type {decoded.dtype}: save it with 8 or 16 bits")
    if decoded.dtype == np.float32:
        _check_range(decoded)
    if decoded.ndim == 2:
        return decoded
    if decoded.shape[2] == 4:
        opaque = 1.0 if decoded.dtype == np.float32 else np.iinfo(decoded.dtype).max
        if not (decoded[:, :, 3] == opaque).all():
            raise Unreadable("has a transparent alpha channel: flatten it onto a background and save it without")
        decoded = decoded[:, :, 0] if grey else decoded[:, :, :3]
    if decoded.ndim == 3 and decoded.shape[2] != 3:
        raise Unreadable(f"has {decoded.shape[2]} channels: save it as grey or RGB")
    return decoded[:, :, ::-1] if decoded.ndim == 3 else decoded


def _decode_npy(data: bytes) -> Array:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # a damaged header raises whatever the parser of its text raises
        if "allow_pickle" in str(error):
            raise Unreadable("holds Python objects, not numbers: save a float32 array") from None
        raise Unreadable("is a truncated or damaged .npy: save it again") from None
    if array.ndim not in (2, 3) or array.size == 0:
        raise Unreadable(f"has shape {array.shape}: a picture is (H, W) or (H, W, C)")
    if channels_first(array.shape):
        raise Unreadable(f"has shape {array.shape}, channels first: transpose it to (H, W, C)")
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "c":
        array = np.abs(array)
    if array.dtype.kind == "f":
        array = array.astype(np.float32)
        _check_range(array)
    if array.dtype not in (np.uint8, np.uint16, np.float32):
        raise Unreadable(f"has dtype {array.dtype}: save uint8, uint16, or float32 on [0, 1]")
    return np.ascontiguousarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


def _check_range(array: Array) -> None:
    if not np.isfinite(array).all():
        raise Unreadable("has NaN or infinite values: a float picture is finite, on [0, 1]")
    low, high = float(array.min()), float(array.max())
    # Real noise and synthetic fields leave [0, 1] a little; a picture on another scale leaves it by far.
    if low < WIDEST[0] or high > WIDEST[1]:
        raise Unreadable(f"has values {low:g} … {high:g}: a float picture is on [0, 1], so divide by its peak")


def write_picture(path: str | os.PathLike[str], picture: Array) -> None:
    """Write (H, W) or (H, W, 1|3) RGB: uint8 or uint16 as `.png`, any numbers as `.npy`; whole or not at all.

    Raises `UsageError` where the picture does not fit the file, and `OSError` where the disk refuses.

        >>> nb.write_picture("ramp.png", np.arange(256, dtype=np.uint8).reshape(16, 16))
        >>> nb.read_picture("ramp.png").shape
        (16, 16)
    """
    target = path_of(path, "a picture file")
    if not isinstance(picture, np.ndarray):
        raise UsageError(f"a picture is an array (H, W[, C]), not {type(picture).__name__}")
    if picture.dtype.hasobject:
        raise UsageError("a picture is an array of numbers, not of Python objects")
    if target.suffix.lower() == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, picture, allow_pickle=False)
        data = buffer.getvalue()
    elif target.suffix.lower() == ".png":
        data = encode_png(picture)
    else:
        raise UsageError(f"picture {_name(path)} is written as .png or .npy: change its ending")
    if not target.parent.is_dir():
        raise UsageError(f"picture {_name(path)} cannot be written: its folder does not exist: make it first")
    if target.is_dir() or "\0" in target.name:
        why = "a folder has its name" if target.is_dir() else "its name has a null character"
        raise UsageError(f"picture {_name(path)} cannot be written: {why}: name another file")
    write_file(target, data)


def encode_png(picture: Array) -> bytes:
    """uint8 or uint16, (H, W) or (H, W, 1|3) RGB → a PNG file. Raises `UsageError` for another array."""
    if depth_of(picture) is None or picture.ndim not in (2, 3) or picture.size == 0:
        raise UsageError(f"a PNG holds uint8 or uint16 (H, W[, 3]), not {picture.dtype} {picture.shape}")
    if picture.ndim == 3 and picture.shape[2] not in (1, 3):
        raise UsageError(f"a PNG holds 1 or 3 channels, not {picture.shape[2]}: write .npy")
    picture = picture.astype(picture.dtype.newbyteorder("="), copy=False)  # all that OpenCV writes faithfully
    bgr = picture[:, :, ::-1] if picture.ndim == 3 else picture
    done, data = cv2.imencode(".png", np.ascontiguousarray(bgr), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise UsageError(f"a picture of shape {picture.shape} cannot be encoded as PNG")
    return data.tobytes()


def _name(path: object) -> str:
    return repr(one_line(os.fspath(path) if isinstance(path, os.PathLike) else path, 300))
