from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.restore._files import group_of
from noisebench.tracks.segment import UNLABELLED, MappedPicture

Value = Annotated[int, Ge(0), Le(65_535)]
_MOST_CLASSES = 256
Array = np.ndarray[Any, Any]


class MappedFiles:
    """Pictures and their masks in the order of their names; each pair is read when it is loaded."""

    def __init__(
        self, files: Sequence[tuple[str, Path, Path]], classes: tuple[str, ...], unlabelled: int | None,
        background: int | None, group: str | None,
    ) -> None:  # fmt: skip
        self._files, self._classes, self._unlabelled = files, classes, unlabelled
        self._background, self._group = background, group
        self.ids: Sequence[str] = [name for name, _, _ in files]

    def load(self, index: int) -> MappedPicture:
        """Picture `index`. Raises `UsageError` naming what cannot be read, or does not fit."""
        name, picture_file, mask_file = self._files[index]
        picture, mask = nb.read_picture(picture_file), as_map(nb.read_picture(mask_file), mask_file)
        if mask.shape != picture.shape[:2]:
            raise nb.UsageError(
                f"dataset folder: {nb.one_line(mask_file)} is {mask.shape} but {nb.one_line(picture_file)} is "
                f"{picture.shape[:2]}: a picture and its mask have one size"
            )
        labels = np.searchsorted(self._values, mask).astype(np.int32)
        if self._unlabelled is not None:
            labels[mask == self._unlabelled] = UNLABELLED
        names = self._classes or tuple(str(value) for value in self._values)
        return MappedPicture(
            name, picture, labels, names, background=self._background, group=group_of(name, self._group)
        )

    @cached_property
    def _values(self) -> Array:
        """The values of all masks but that of unlabelled pixels, ascending. Raises `UsageError`."""
        values_of_all = {int(v) for _, _, file in self._files for v in np.unique(as_map(nb.read_picture(file), file))}
        values = np.array(sorted(values_of_all - {self._unlabelled}), np.int64)
        if not 2 <= len(values) <= _MOST_CLASSES:
            raise nb.UsageError(
                f"dataset folder: masks have {len(values)} values, where 2 to {_MOST_CLASSES} classes are due: a mask "
                "has one value a class and is not compressed with loss"
            )
        if self._classes and len(self._classes) != len(values):
            raise nb.UsageError(
                f"dataset folder: classes= names {len(self._classes)}, and the masks have the values "
                f"{', '.join(map(str, values[:20]))}: give a name for each"
            )
        if self._background is not None and self._background >= len(values):
            raise nb.UsageError(f"dataset folder: background={self._background} is beyond the {len(values)} classes")
        return values


def as_map(mask: Array, file: Path) -> Array:
    """A mask as (H, W). Raises `UsageError` for one whose colours are not grey."""
    if mask.ndim == 3 and all((mask[:, :, 0] == mask[:, :, c]).all() for c in range(1, mask.shape[2])):
        mask = mask[:, :, 0]
    if mask.ndim != 2 or mask.dtype.kind != "u":
        raise nb.UsageError(
            f"dataset folder: {nb.one_line(file)} is {mask.dtype} {mask.shape}: a mask has one whole number a pixel"
        )
    return mask


@nb.dataset("folder", track="segment", licence="the user's own", own_files=True)
def folder(
    *,
    pictures: str,
    masks: str,
    pattern: str = "*",
    classes: tuple[str, ...] = (),
    background: Value | None = 0,
    unlabelled: Value | None = None,
    group: str | None = None,
) -> MappedFiles:
    """The user's own pictures and masks of one name (without its ending), in two folders.

    A mask has one value a pixel, such as 0 and 255; class k is the k-th value of all masks, in ascending order.
    classes: their names; none are the values. background: the place of the class of what is no object, none where all
    are objects. unlabelled: the value of pixels whose class nobody knows. pattern="**/*" takes subfolders too. group: a
    regular expression that finds in each name the patient or scene, such as "^[^_]+": pictures of one count as one.
    """
    files = nb.pair_folders(pictures, masks, nb.PICTURE_SUFFIXES, pattern)
    return MappedFiles([(n, a, b) for n, a, b in files], classes, unlabelled, background, group)
