from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
from noisebench.methods.restore._exchange import unit
from noisebench.methods.restore._named_files import NamedFiles, digests


@nb.method("folder", layout="hwc", named=True)
class RestoredFolder:
    """Restored pictures that lie in the folder `path`, paired with those of the dataset by name without ending.

    8- and 16-bit pictures and `.npy`, float32 on [0, 1]. Where the dataset has subfolders, so has `path`. Pictures
    that are missing are listed and fail the cell, as does one of another size or number of channels; pictures that
    the dataset does not have are listed in the notes.
    """

    def __init__(self, *, path: str) -> None:
        self.pictures = NamedFiles(path, nb.PICTURE_SUFFIXES, "picture")

    @staticmethod
    def weight_files(path: str) -> dict[str, str]:
        """File name → SHA-256: other pictures are another cell."""
        return digests(path, nb.PICTURE_SUFFIXES)

    def expect(self, ids: Sequence[str], chosen: int) -> list[str]:
        """Hears which pictures come (the first `chosen` of `ids`). Raises `UsageError` listing what is missing."""
        return self.pictures.expect(ids, chosen)

    def restore(self, noisy: Any, info: Any) -> Any:
        """The picture of that name. Raises `Skip` outside of a dataset, `Invalid` for one of another size."""
        if info.item is None:
            raise nb.Skip("scores pictures that exist already: there is nothing to try or to time")
        file = self.pictures.file_of(info.item)
        if file is None:
            raise nb.UsageError(f"no picture named {info.item!r} in {self.pictures.path!r}")
        picture = unit(nb.read_picture(file))
        due = (*(info.shape or noisy.shape[:2]), noisy.shape[2])
        if picture.shape != due:
            raise nb.Invalid(f"{str(file)!r} is {size_of(picture.shape)}, where {size_of(due)} is due")
        return picture


def size_of(shape: Sequence[int]) -> str:
    """`12×9 grey`."""
    kind = {1: "grey", 3: "colour"}.get(shape[2], f"of {shape[2]} channels")
    return f"{shape[0]}×{shape[1]} {kind}"
