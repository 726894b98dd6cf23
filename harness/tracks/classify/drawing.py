"""A picture and the map of its class as small pictures, what shows the class outlined where that is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging.pixels import Array
from ...track.posed_case import Case
from .explanation import unpacked
from .labelled_picture import NO_CLASS, LabelledPicture

LEAST = 192
"""Pixels of the longer side, at least: small pictures are enlarged, pixel by pixel."""
SMALL = 64
"""Pixels of the longer side, at most, of a picture that was misclassified: larger ones are reduced."""
TRUE_CLASS, OTHER_CLASS = (46, 196, 182), (255, 255, 255)
"""Colours of the outlines of the true class and of others."""

Pixels = npt.NDArray[np.uint8]


def draw_explanation(item: Any, case: Case, output: Array) -> dict[str, bytes] | None:
    """PNGs of the picture (H, W, C) as it was given, and of the map of its class, of a method that explains.

    None for what is no such picture.
    """
    given = case.given
    if output.ndim != 2 or not isinstance(item, LabelledPicture) or given.shape[2] not in (1, 3):
        return None
    logits, maps = unpacked(output, given.shape[:2])
    label = int(logits.argmax()) if item.label == NO_CLASS else item.label
    grey = np.rint(np.clip(given, 0, 1) * 255).astype(np.uint8)
    return {
        "picture": _png(np.broadcast_to(grey, (*given.shape[:2], 3)), item),
        "map": _png(_coloured(maps[0][label]), item),
    }


def small_picture(given: Array) -> bytes | None:
    """A PNG of the picture (H, W, C) as it was given, reduced to `SMALL`; None for what is neither grey nor RGB."""
    import cv2

    from ...imaging.pictures import encode_png

    height, width, channels = given.shape
    if channels not in (1, 3):
        return None
    share = min(1.0, SMALL / max(height, width))
    if share < 1:
        size = max(1, round(width * share)), max(1, round(height * share))
        given = cv2.resize(given, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], channels)
    return encode_png(np.rint(np.clip(given, 0, 1) * 255).astype(np.uint8))


def _coloured(values: Array) -> Pixels:
    """A map in colours from black, its least value, to light yellow, its greatest: RGB (H, W, 3)."""
    import cv2

    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    shown = cv2.applyColorMap(np.rint(scaled * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return shown[:, :, ::-1].astype(np.uint8)


def _png(rgb: Pixels, item: LabelledPicture) -> bytes:
    import cv2

    from ...imaging.pictures import encode_png

    times = max(1, -(-LEAST // max(rgb.shape[:2])))
    large = rgb.repeat(times, axis=0).repeat(times, axis=1)
    if item.regions is not None and item.regions.shape == rgb.shape[:2]:
        wide = max(1, times // 3)
        for label in np.unique(item.regions[item.regions >= 0]):
            inside = (item.regions == label).repeat(times, axis=0).repeat(times, axis=1).astype(np.uint8)
            edge = inside - cv2.erode(inside, np.ones((2 * wide + 1, 2 * wide + 1), np.uint8))
            large[edge > 0] = TRUE_CLASS if label == item.label else OTHER_CLASS
    return encode_png(large)
