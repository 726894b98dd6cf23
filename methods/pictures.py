"""Pictures that somebody else restored already, as a method."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np


def pictures_of(path: str) -> dict[str, Path]:
    """Pictures of a folder by name, with and without ending. Raises `UsageError` where there is none."""
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise nb.UsageError(f"method folder: {path!r} is not a folder")
    files = sorted(f for f in folder.iterdir() if f.suffix.lower() in nb.PICTURE_SUFFIXES and f.is_file())
    if not files:
        raise nb.UsageError(f"method folder: {path!r} has no pictures ({', '.join(sorted(nb.PICTURE_SUFFIXES))})")
    return {**{f.stem: f for f in files}, **{f.name: f for f in files}}


@nb.method("folder", layout="hwc", named=True)
class Folder:
    """Restored pictures that lie in the folder `path`, paired by name with those of the dataset.

    8- and 16-bit pictures and float32 `.npy` on [0, 1]. A picture that is missing or of another size fails the cell.
    """

    def __init__(self, *, path: str) -> None:
        self.path = path
        self.files = pictures_of(path)

    @staticmethod
    def weight_files(path: str) -> dict[str, str]:
        """File name → SHA-256: other pictures are another cell."""
        return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in set(pictures_of(path).values())}

    def restore(self, noisy: Any, info: Any) -> Any:
        file = self.files.get(info.item)
        if file is None:
            raise FileNotFoundError(f"no picture named {info.item!r} in {self.path!r}")
        picture = nb.read_picture(file)
        top = {"uint8": 255.0, "uint16": 65535.0}.get(picture.dtype.name, 1.0)
        unit = (picture / top).astype(np.float32)
        return unit if unit.ndim == 3 else unit[:, :, None]
