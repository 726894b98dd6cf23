"""A picture, its true label map and a found one as small pictures, a colour a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...imaging.pixels import Array
from ...track.posed_case import Case
from .mapped_picture import UNLABELLED, MappedPicture

LEAST = 192
"""Pixels of the longer side, at least: small pictures are enlarged, pixel by pixel."""
BACKGROUND, UNKNOWN, LINE = (24, 28, 44), (128, 128, 128), (255, 255, 255)
COLOURS = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (0, 114, 178), (213, 94, 0), (240, 228, 66),
    (148, 103, 189), (140, 86, 75), (23, 190, 207), (188, 189, 34), (247, 182, 210),
)  # fmt: skip
"""Of the classes in turn, those of Okabe and Ito first, which most eyes tell apart."""

Pixels = npt.NDArray[np.uint8]


def draw_maps(item: Any, case: Case, output: Array) -> dict[str, bytes] | None:
    """PNGs of the picture (H, W, C) as it was given, the true map, and the likeliest classes of logits (K, H, W).

    None for what is no such picture.
    """
    given = case.given
    if not isinstance(item, MappedPicture) or given.shape[2] not in (1, 3):
        return None
    grey = np.rint(np.clip(given, 0, 1) * 255).astype(np.uint8)
    lines = _meeting(item.labels)
    return {
        "picture": _png(np.broadcast_to(grey, (*given.shape[:2], 3)), None),
        "truth": _png(_coloured(item.labels, item), None),
        "map": _png(_coloured(output.argmax(axis=0), item), lines),
    }


def _coloured(labels: Array, item: MappedPicture) -> Pixels:
    """A label map in colours, RGB (H, W, 3)."""
    colours = [COLOURS[place % len(COLOURS)] for place in range(len(item.classes))]
    if item.background is not None:
        colours[item.background] = BACKGROUND
    table = np.array([*colours, UNKNOWN], np.uint8)  # UNLABELLED, -1, is the last
    return table[labels]


def _meeting(labels: Array) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where pixels differ from the one to the right, (H, W - 1), and from the one below, (H - 1, W)."""
    known = labels != UNLABELLED
    right = (labels[:, 1:] != labels[:, :-1]) & known[:, 1:] & known[:, :-1]
    below = (labels[1:] != labels[:-1]) & known[1:] & known[:-1]
    return right, below


def _png(rgb: Pixels, lines: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None) -> bytes:
    from ...imaging.pictures import encode_png

    times = max(1, -(-LEAST // max(rgb.shape[:2])))
    large = rgb.repeat(times, axis=0).repeat(times, axis=1)
    if lines is not None:
        right, below = (one.repeat(times, axis=0).repeat(times, axis=1) for one in lines)
        # Of each pixel beside the line the edge that touches it, one pixel of the enlarged picture wide.
        columns = np.arange(right.shape[1]) % times == times - 1
        rows = np.arange(below.shape[0]) % times == times - 1
        large[:, : right.shape[1]][right & columns] = LINE
        large[: below.shape[0]][below & rows[:, None]] = LINE
    return encode_png(large)
