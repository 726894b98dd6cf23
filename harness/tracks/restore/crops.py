"""What a cell leaves to be looked at: crops for panels, and 8-bit pictures of every kept item for the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...data.disk import write_file
from ...data.png_files import byte_sha256, pixels_sha256
from ...imaging.pixels import Array, as_hwc, to_unit
from ...imaging.sample import Sample
from ...store.previews import VIEW, View, picture_file, write_view
from ...track.posed_case import Case

PANEL = 96


def panel_of(sample: Sample, case: Case, restored: Array) -> dict[str, bytes]:
    """Crops of the clean, noisy and restored picture, where the clean one has most detail."""
    clean = to_unit(sample.clean)
    row, column, height, width = most_detail(clean, min(PANEL, *clean.shape[:2]))
    box = (slice(row, row + height), slice(column, column + width))
    shown = {"clean": clean, "noisy": _same_size(case.given, clean), "restored": as_hwc(restored)}
    return {name: _png(_bytes(picture[box]), 9) for name, picture in shown.items()}


def leave_view(store: Path, folder: Path, index: int, sample: Sample, noisy: Array, restored: Array) -> None:
    """Write the restored picture as 8-bit PNG into `folder`, and the clean and noisy one where all cells share them.

    Of a picture larger than `VIEW` the part with most detail is left.
    """
    clean = to_unit(sample.clean)
    height, width = clean.shape[:2]
    place = (0, 0, height, width)
    if max(height, width) > VIEW:
        place = most_detail(clean, VIEW)
    box = (slice(place[0], place[0] + place[2]), slice(place[1], place[1] + place[3]))
    shared = [_bytes(picture[box]) for picture in (clean, _same_size(noisy, clean))]
    names = [byte_sha256(picture) for picture in shared]
    # First the names, then the pictures: a tidying run in between keeps what is named.
    write_view(folder, index, View(sample.id, (height, width), place, *names))
    (folder / f"{index:05d}.png").write_bytes(_png(_bytes(as_hwc(restored)[box]), 4))
    for name, picture in zip(names, shared, strict=True):
        file = picture_file(store, name)
        if pixels_sha256(file) != name:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, _png(picture, 4))


def most_detail(clean: npt.NDArray[np.float64], size: int) -> tuple[int, int, int, int]:
    """(row, column, height, width) of the part of at most `size` × `size` with the strongest horizontal gradients."""
    tall, wide = min(size, clean.shape[0]), min(size, clean.shape[1])
    best, place = -1.0, (0, 0)
    for row in range(0, clean.shape[0] - tall + 1, max(1, tall // 2)):
        for column in range(0, clean.shape[1] - wide + 1, max(1, wide // 2)):
            detail = float(np.abs(np.diff(clean[row : row + tall, column : column + wide].mean(2), axis=1)).sum())
            if detail > best:
                best, place = detail, (row, column)
    return (*place, tall, wide)


def _same_size(noisy: Array, clean: Array) -> Array:
    scale = max(1, round(clean.shape[0] / noisy.shape[0]))
    return np.repeat(np.repeat(as_hwc(noisy), scale, 0), scale, 1)[: clean.shape[0], : clean.shape[1]]


def _bytes(picture: Array) -> npt.NDArray[np.uint8]:
    byte: npt.NDArray[np.uint8] = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return byte if byte.shape[2] in (1, 3) else byte[:, :, :1]


def _png(picture: npt.NDArray[np.uint8], level: int) -> bytes:
    import cv2

    _, data = cv2.imencode(".png", picture[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, level])
    return data.tobytes()
