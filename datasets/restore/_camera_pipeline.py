"""The pipeline of a camera from its sensor to a developed picture, and its inverse (Brooks et al. 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.float64]
"""Developed or linear (H, W, 3), or a sensor's (H, W) of which each pixel has one colour, on [0, 1]."""

_XYZ_OF_SRGB = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
_CAMERAS_OF_XYZ = np.array([
    [[1.0234, -0.2969, -0.2266], [-0.5625, 1.6328, -0.0469], [-0.0703, 0.2188, 0.6406]],
    [[0.4913, -0.0541, -0.0202], [-0.6130, 1.3513, 0.2906], [-0.1564, 0.2151, 0.7183]],
    [[0.8380, -0.2630, -0.0639], [-0.2887, 1.0725, 0.2496], [-0.0627, 0.1427, 0.5438]],
    [[0.6596, -0.2079, -0.0562], [-0.4782, 1.3016, 0.1933], [-0.0970, 0.1581, 0.5181]],
])  # fmt: skip
"""Of the four cameras of the Darmstadt noise dataset."""
_RED, _BLUE = (1.9, 2.4), (1.5, 1.9)
_DARKENED = 0.8, 0.1
"""Mean and deviation of the share of light that is left when brightening is undone."""
_SHOT = 1e-4, 0.012
_READ = 2.18, 1.20, 0.26
"""log(variance of the read noise) = first · log(shot noise) + second, give or take the third."""
_GAMMA = 2.2
_HIGHLIGHTS = 0.9
"""Means of channels above which a gain is undone less and less, so that white stays white."""


@dataclass(frozen=True)
class Camera:
    """One camera: its colour matrix, the gains of its channels, and the strength of its noise."""

    matrix: Picture
    """Linear sRGB to the camera's colours, (3, 3); rows add up to 1."""
    gains: Picture
    """White balance and brightening, (3,)."""
    peak: float
    """Electrons at 1."""
    read: float
    """Deviation of the read noise, of 1."""


def drawn_camera(rng: np.random.Generator) -> Camera:
    """A camera between four that were measured, with gains and noise as Brooks et al. draw them."""
    shares = rng.uniform(size=4)
    matrix = np.tensordot(shares / shares.sum(), _CAMERAS_OF_XYZ, axes=1) @ _XYZ_OF_SRGB
    brighter = 1 / max(rng.normal(*_DARKENED), 0.3)
    gains = brighter * np.array([rng.uniform(*_RED), 1.0, rng.uniform(*_BLUE)])
    log_shot = rng.uniform(*np.log(_SHOT))
    log_read = _READ[0] * log_shot + _READ[1] + _READ[2] * rng.standard_normal()
    return Camera(matrix / matrix.sum(axis=1, keepdims=True), gains, math.exp(-log_shot), math.exp(log_read / 2))


def unprocess(srgb: Picture, camera: Camera) -> Picture:
    """A developed picture (H, W, 3) → linear light in the camera's colours."""
    toned = 0.5 - np.sin(np.arcsin(1 - 2 * np.clip(srgb, 0, 1)) / 3)
    linear = np.maximum(toned, 0) ** _GAMMA @ camera.matrix.T
    inverse = 1 / camera.gains
    bright = (np.maximum(linear.mean(axis=2, keepdims=True) - _HIGHLIGHTS, 0) / (1 - _HIGHLIGHTS)) ** 2
    darkened: Picture = linear * np.maximum(bright + (1 - bright) * inverse, inverse)
    return np.clip(darkened, 0, 1)


def mosaic(linear: Picture) -> Picture:
    """(H, W, 3), sides even → what a sensor behind red, green, green and blue filters has, (H, W)."""
    sensor = np.ascontiguousarray(linear[:, :, 1])
    sensor[::2, ::2] = linear[::2, ::2, 0]
    sensor[1::2, 1::2] = linear[1::2, 1::2, 2]
    return sensor


def packed(sensor: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(H, W) → red, green, green and blue as channels, (H/2, W/2, 4)."""
    return np.stack([sensor[::2, ::2], sensor[::2, 1::2], sensor[1::2, ::2], sensor[1::2, 1::2]], axis=2)


def unpacked(planes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The inverse of `packed`."""
    height, width, _ = planes.shape
    return planes.reshape(height, width, 2, 2).transpose(0, 2, 1, 3).reshape(2 * height, 2 * width)


def process(sensor: Picture, camera: Camera) -> Picture:
    """What a sensor has (H, W) → the developed picture (H, W, 3): the gains, the colours that lack, and the curves."""
    height, width = sensor.shape
    gains = np.tile(mosaic(np.broadcast_to(camera.gains, (2, 2, 3))), (height // 2, width // 2))
    return developed(demosaiced(np.clip(sensor * gains, 0, 1)), camera)


def developed(colours: Picture, camera: Camera) -> Picture:
    """A camera's colours with its gains on them (H, W, 3) → the picture: its matrix, its gamma and its tone curve."""
    linear = np.clip(colours @ np.linalg.inv(camera.matrix).T, 0, 1)
    toned = linear ** (1 / _GAMMA)
    return 3 * toned**2 - 2 * toned**3


def demosaiced(sensor: Picture) -> Picture:
    """(H, W) → (H, W, 3) by bilinear interpolation; borders are mirrored about their pixels."""
    around = np.pad(sensor, 1, mode="reflect")
    across = (around[1:-1, :-2] + around[1:-1, 2:]) / 2
    along = (around[:-2, 1:-1] + around[2:, 1:-1]) / 2
    corners = (around[:-2, :-2] + around[:-2, 2:] + around[2:, :-2] + around[2:, 2:]) / 4
    colours = np.stack([sensor, (across + along) / 2, sensor], axis=2)
    colours[::2, 1::2] = np.stack([across, sensor, along], axis=2)[::2, 1::2]
    colours[1::2, ::2] = np.stack([along, sensor, across], axis=2)[1::2, ::2]
    colours[::2, ::2, 2], colours[1::2, 1::2, 0] = corners[::2, ::2], corners[1::2, 1::2]
    return colours
