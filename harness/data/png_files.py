"""PNG files on disk: the size in the header, and the hash of the pixels."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .disk import read_regular

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) as the header of a PNG says, unchecked; None for no PNG."""
    if not data.startswith(PNG_SIGNATURE) or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return height, width


def byte_sha256(picture: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of the shape and pixels of an 8-bit (H, W, C) picture, RGB."""
    head = "x".join(map(str, picture.shape)) + "\n"
    return hashlib.sha256(head.encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


def pixels_sha256(file: Path) -> str | None:
    """`byte_sha256` of the picture in a PNG file; None where there is no 8-bit picture."""
    import cv2

    try:
        data = np.frombuffer(read_regular(file), dtype=np.uint8)
        raw = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
    except (OSError, cv2.error):
        return None
    if raw is None or raw.dtype != np.uint8:
        return None
    rgb = raw[:, :, None] if raw.ndim == 2 else raw[:, :, ::-1]
    return byte_sha256(rgb.astype(np.uint8))
