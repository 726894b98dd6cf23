from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import noisebench as nb
from noisebench.methods.restore._exchange import unit


@nb.method("folder", layout="hwc", named=True)
class RestoredFolder:
    """Restored pictures that lie in the folder `path`, paired with those of the dataset by name without ending.

    8- and 16-bit pictures and `.npy`, float32 on [0, 1]. Where the dataset has subfolders, so has `path`. Pictures
    that are missing are listed and fail the cell, as does one of another size or number of channels; pictures that
    the dataset does not have are listed in the notes.
    """

    def __init__(self, *, path: str) -> None:
        self.path = path
        self.files = nb.list_files(path, nb.PICTURE_SUFFIXES, "**/*")
        self.stems: dict[str, list[str]] = {}
        for name in self.files:
            self.stems.setdefault(name[: -len(Path(name).suffix)], []).append(name)

    @staticmethod
    def weight_files(path: str) -> dict[str, str]:
        """File name → SHA-256: other pictures are another cell."""
        pictures = nb.list_files(path, nb.PICTURE_SUFFIXES, "**/*")
        return {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in pictures.items()}

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Hears which pictures come (the first `chosen` of `ids`). Raises `UsageError` listing what is missing."""
        missing = [i for i in ids[:chosen] if self.file_of(i) is None]
        if missing:
            raise nb.UsageError(
                f"no picture named {listing(missing)} in {self.path!r}: {len(missing)} of {chosen} missing; it holds "
                f"{listing(sorted(self.files), 3)}"
            )
        known = {self.file_of(i) for i in ids}
        extra = sorted(name for name, file in self.files.items() if file not in known)
        return [f"pictures in {self.path!r} that the dataset does not have: {listing(extra)}"] if extra else []

    def file_of(self, item: str) -> Path | None:
        """The picture for an id of the dataset, which has an ending only where it would be ambiguous without.

        Raises `UsageError` where there are two.
        """
        names = [item] if item in self.files else self.stems.get(item, [])
        if len(names) > 1:
            raise nb.UsageError(f"two pictures named {item!r} in {self.path!r}, {listing(names)}: keep one")
        return self.files[names[0]] if names else None

    def restore(self, noisy: Any, info: Any) -> Any:
        """The picture of that name. Raises `Skip` outside of a dataset, `Invalid` for one of another size."""
        if info.item is None:
            raise nb.Skip("scores pictures that exist already: there is nothing to try or to time")
        file = self.file_of(info.item)
        if file is None:
            raise nb.UsageError(f"no picture named {info.item!r} in {self.path!r}")
        picture = unit(nb.read_picture(file))
        due = (*(info.shape or noisy.shape[:2]), noisy.shape[2])
        if picture.shape != due:
            raise nb.Invalid(f"{str(file)!r} is {size_of(picture.shape)}, where {size_of(due)} is due")
        return picture


def listing(names: Iterable[str], most: int = 8) -> str:
    """Some names, quoted, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(map(repr, known[:most])) + more


def size_of(shape: Sequence[int]) -> str:
    """`12×9 grey`."""
    kind = {1: "grey", 3: "colour"}.get(shape[2], f"of {shape[2]} channels")
    return f"{shape[0]}×{shape[1]} {kind}"
