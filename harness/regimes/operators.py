"""Operators: compression, missing pixels, downsampling, blur; and the two regimes that add nothing."""

from __future__ import annotations

from typing import Annotated, Literal

import cv2
import numpy as np
from annotated_types import Ge, Gt, Le

from ..errors import Skip
from .degrade import regime
from .digitise import Bits, Degraded, Picture, digitise
from .filters import (
    Boundary,
    box_taps,
    disk_kernel,
    filter_separable,
    filter_valid,
    gaussian_taps,
    motion_kernel,
    pad,
)
from .resample import Resampling, shrink

_JPEG_LARGEST = 65_500
_CHROMA = {
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
}


@regime("none")
def none(x: Picture, rng: np.random.Generator) -> Degraded:
    """The picture as the dataset has it."""
    return x, {}


@regime("real", source="noisy")
def real(x: Picture, rng: np.random.Generator) -> Degraded:
    """The dataset's own noisy picture."""
    return x, {}


@regime("jpeg", discloses=("quality", "bit_depth"))
def jpeg(
    x: Picture,
    rng: np.random.Generator,
    *,
    quality: Annotated[int, Ge(1), Le(100)],
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


@regime("quantize", discloses=("bit_depth",))
def quantize(x: Picture, rng: np.random.Generator, *, bits: Bits) -> Degraded:
    """Clipped to [0, 1] and rounded half to even to one of 2^bits levels."""
    return digitise(x, True, bits)


@regime("mask", discloses=("mask",))
def mask(x: Picture, rng: np.random.Generator, *, keep: Annotated[float, Gt(0), Le(1)]) -> Degraded:
    """Each pixel (all channels) is kept with probability keep, else 0; mask is (H, W), 1 where known."""
    known = (rng.random(x.shape[:2]) < keep).astype(np.float64)
    return x * known[:, :, None], {"mask": known}


@regime("downsample", discloses=("scale",))
def downsample(
    x: Picture,
    rng: np.random.Generator,
    *,
    scale: Annotated[int, Ge(1), Le(64)],
    kernel: Resampling = "bicubic",
) -> Degraded:
    """⌈H/scale⌉ × ⌈W/scale⌉ pixels; bicubic is antialiased, a = −0.5, as in super-resolution papers."""
    return shrink(x, scale, kernel), {"scale": scale}


@regime("blur", discloses=("kernel", "boundary"))
def blur(
    x: Picture,
    rng: np.random.Generator,
    *,
    sigma: Annotated[float, Ge(0.05), Le(20)],
    kernel: Literal["gaussian", "box", "disk", "motion"] = "gaussian",
    angle: Annotated[float, Ge(-360), Le(360)] = 0.0,
    boundary: Boundary = "reflect",
) -> Degraded:
    """Blur by a kernel of standard deviation sigma pixels, so that kernels of one sigma blur alike.

    `box` is about σ√12 wide, `disk` of radius 2σ, `motion` a line of length σ√12 at `angle` degrees (its
    pixels widen it a little: 8 % at sigma 1, 2 % at 2). The border is mirrored about its outer edge
    (`reflect`) or periodic (`circular`). The kernel disclosed is (h, w) float64 of odd size, sum 1 and
    symmetric about its centre.
    """
    if kernel in ("gaussian", "box"):
        taps = gaussian_taps(sigma) if kernel == "gaussian" else box_taps(sigma)
        reach = len(taps) // 2
        return filter_separable(pad(x, reach, reach, boundary), taps), {
            "kernel": np.outer(taps, taps),
            "boundary": boundary,
        }
    plane = disk_kernel(sigma) if kernel == "disk" else motion_kernel(sigma, angle)
    reach = len(plane) // 2
    return filter_valid(pad(x, reach, reach, boundary), plane), {"kernel": plane, "boundary": boundary}
