from __future__ import annotations

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Le

from ....components.decorators import regime
from ....spec.parameter_types import AxisLabel
from ....text.errors import Skip
from ..disclosure import SETTINGS
from ._digitise import Degraded, Picture

_JPEG_LARGEST = 65_500
_CHROMA = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


@regime("jpeg", discloses=("quality", "bit_depth"), keeps=SETTINGS, title="JPEG, quality {quality}")
def jpeg(
    x: Picture,
    rng: np.random.Generator,
    *,
    quality: Annotated[int, Ge(1), Le(100), AxisLabel("JPEG quality")],
    chroma: Literal["4:2:0", "4:2:2", "4:4:4"] = "4:2:0",
) -> Degraded:
    """JPEG of the 8-bit picture (clipped and rounded first), there and back; no chance in it.

    1 and 3 channels (RGB) are one file; of any other number, each channel is a grey file. Raises `Skip` for a
    picture that is too large for the format.
    """
    if max(x.shape[:2]) > _JPEG_LARGEST:
        raise Skip(f"a JPEG is at most {_JPEG_LARGEST} pixels wide and high, this is {x.shape[0]}×{x.shape[1]}")
    options = [
        cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _CHROMA[chroma],
        cv2.IMWRITE_JPEG_OPTIMIZE, 0, cv2.IMWRITE_JPEG_PROGRESSIVE, 0,
    ]  # fmt: skip
    byte = np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)
    if byte.shape[2] == 3:
        bgr = _through_jpeg(np.ascontiguousarray(byte[:, :, ::-1]), options, cv2.IMREAD_COLOR)
        back = bgr[:, :, ::-1]
    else:
        channels = [
            _through_jpeg(np.ascontiguousarray(byte[:, :, c]), options, cv2.IMREAD_GRAYSCALE)
            for c in range(byte.shape[2])
        ]
        back = np.stack(channels, axis=2)
    return back / 255.0, {"quality": quality, "bit_depth": 8}


def _through_jpeg(
    byte: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], options: list[int], flags: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    done, file = cv2.imencode(".jpg", byte, options)
    back = cv2.imdecode(file, flags) if done else None
    if back is None:
        raise RuntimeError("OpenCV could not write and read back a JPEG")
    return back.astype(np.uint8, copy=False)
