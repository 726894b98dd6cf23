"""Samples as a small picture: the first ones of a batch in rows, each where its latents are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...track.posed_case import Case
from .items import LatentBatch
from .sampler import Drawn

ACROSS, DOWN = 8, 4
LEAST = 96
"""Pixels of a row of pictures, at least: small ones are enlarged, pixel by pixel."""


def draw_samples(item: Any, case: Case, output: Drawn) -> dict[str, bytes] | None:
    """PNGs of the first samples (N, C, H, W) and of as many reference pictures; None for what is no batch."""
    if not isinstance(item, LatentBatch) or item.shape[0] not in (1, 3):
        return None
    return {"samples": sheet_of(output["samples"]), "reference": sheet_of(_likened(item))}


def _likened(item: LatentBatch) -> npt.NDArray[np.float32]:
    """Reference pictures, of the classes that were asked for where there are such."""
    labels, true_labels = item.labels, item.reference.labels
    pictures = item.reference.pictures
    if labels is None or true_labels is None:
        return pictures[: ACROSS * DOWN]
    seen: dict[int, int] = {}
    places = []
    for label in labels[: ACROSS * DOWN]:
        of_label = np.flatnonzero(true_labels == label)
        if len(of_label):
            places.append(of_label[seen.get(int(label), 0) % len(of_label)])
            seen[int(label)] = seen.get(int(label), 0) + 1
    return pictures[places] if places else pictures[: ACROSS * DOWN]


def sheet_of(pictures: npt.NDArray[Any]) -> bytes:
    """The first pictures (N, C, H, W) on [-1, 1] in rows of eight, a PNG."""
    import cv2

    shown = np.asarray(pictures[: ACROSS * DOWN], np.float64)
    times = max(1, -(-LEAST // (shown.shape[3] * ACROSS)))
    grey = np.rint((np.clip(shown, -1, 1) + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)
    grey = grey.repeat(times, axis=1).repeat(times, axis=2)
    count, height, width, channels = grey.shape
    rows = -(-count // ACROSS)
    sheet = np.full((rows * (height + 1) - 1, ACROSS * (width + 1) - 1, channels), 255, np.uint8)
    for place, picture in enumerate(grey):
        row, column = divmod(place, ACROSS)
        row_start, column_start = row * (height + 1), column * (width + 1)
        sheet[row_start : row_start + height, column_start : column_start + width] = picture
    _, data = cv2.imencode(".png", sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return bytes(data.tobytes())
