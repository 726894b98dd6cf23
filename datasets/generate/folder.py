"""A user's own pictures as the reference that samples are compared with, and to train on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.datasets.classify.folder import fitted
from noisebench.datasets.generate._batches import Batches, Count, LatentBatches, Split, TrainingPictures
from noisebench.tracks.generate import Reference


@nb.dataset("folder", track="generate", licence="the user's own", own_files=True)
def folder(
    *,
    path: str,
    split: Split = "test",
    size: Annotated[int, Ge(4), Le(1024)] = 32,
    colour: bool = True,
    pattern: str = "**/*",
    tested: Annotated[float, Gt(0), Lt(1)] = 0.3,
    n: Batches = 8,
    count: Count = 128,
    reference: Count = 2048,
    trained: Count | None = None,
    classes: Annotated[int, Ge(1), Le(1000)] | None = None,
) -> LatentBatches | TrainingPictures:
    """The user's own pictures: latents before those kept for tests, and the others to train on.

    The middle square of each picture is resized to size x size, and has three channels where `colour`, else one, the
    mean of all. The share `tested` is for tests, by the hash of what is in the file, so that equal files are on one
    side. n, count: so many batches of so many latents. reference: so many pictures for tests, chosen by the hash of
    their names. trained: so many others, likewise, to train on (`split=train`) and to look for copies of; none is all.
    classes: so many are asked for by turns, such as the texts of `diffusers`; what is in a picture is not known.
    """
    files = nb.list_files(path, nb.PICTURE_SUFFIXES, pattern)
    sides: dict[str, list[str]] = {"test": [], "train": []}
    for name in sorted(files, key=lambda one: nb.text_key(f"chosen|{one}")):
        sides["test" if _is_tested(files[name], tested) else "train"].append(name)
    for side, names in sides.items():
        if not names:
            raise nb.UsageError(
                f"dataset folder: of {nb.one_line(path)} no picture is for split={side}: give another tested=…"
            )
    chosen = {"test": sides["test"][:reference], "train": sides["train"][:trained]}

    def pictures(side: str) -> Any:
        return np.stack([_square(files[name], size, colour) for name in chosen[side]])

    if split == "train":
        return TrainingPictures(chosen["train"], lambda: (pictures("train"), None))
    shares = None if classes is None else [1 / classes] * classes
    return LatentBatches(n, count, lambda: Reference(pictures("test"), None, pictures("train"), None), shares=shares)


def _is_tested(file: Path, tested: float) -> bool:
    try:
        digest = hashlib.sha256(file.read_bytes()).digest()
    except OSError as error:
        raise nb.UsageError(f"picture {nb.one_line(file)} cannot be read ({error.strerror})") from None
    return int.from_bytes(digest[:4], "big") < tested * 2**32


def _square(file: Path, size: int, colour: bool) -> Any:
    """(C, size, size), float32 on [-1, 1]."""
    picture = fitted(nb.read_picture(file), size, colour)
    whole = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1.0
    unit = picture.reshape(size, size, -1).astype(np.float64) / whole
    return (2 * (unit if colour else unit.mean(axis=2, keepdims=True)) - 1).transpose(2, 0, 1).astype(np.float32)
