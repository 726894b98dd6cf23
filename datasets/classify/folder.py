from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.datasets.classify._split import Count
from noisebench.datasets.restore._files import Files, group_of
from noisebench.tracks.classify import LabelledPicture

Side = Literal["test", "train", "all"]
Array = np.ndarray[Any, Any]
SIDES = ("test", "train")


class ClassFolders:
    """Pictures of one side in a fixed order, the classes by turns; each is read when it is loaded.

    `first` is a picture of the whole folder: all others have its shape.
    """

    def __init__(
        self,
        files: Mapping[str, Path],
        names: Sequence[str],
        classes: Sequence[str],
        labels: Sequence[int],
        *,
        first: str,
        size: int | None,
        colour: bool,
        group: str | None,
    ) -> None:
        self._read = Files([files[name] for name in names], names, group=group)
        self._first, self._size, self._colour = files[first], size, colour
        self._classes, self._labels = tuple(_shown(name) for name in classes), labels
        self.ids: Sequence[str] = self._read.ids

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`. Raises `UsageError` naming what cannot be read, or has another size than the first one."""
        sample = self._read.load(index)
        picture = fitted(sample.clean, self._size, self._colour)
        if picture.shape != self._shape:
            mend = "colour=True" if picture.shape[:2] == self._shape[:2] else "size=…"
            raise nb.UsageError(
                f"dataset folder: {nb.one_line(sample.id)!r} has shape {picture.shape} but "
                f"{nb.one_line(self._first)} has {self._shape}: give {mend} to make all alike"
            )
        return LabelledPicture(sample.id, picture, self._labels[index], self._classes, group=sample.group)

    @cached_property
    def _shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = fitted(nb.read_picture(self._first), self._size, self._colour).shape
        return shape


def fitted(picture: Array, size: int | None, colour: bool) -> Array:
    """(H, W) or (H, W, 3) as RGB where `colour`, and with `size` its middle square resized to that; of its own type.

    Linear interpolation, which is a mean over what a pixel covers where the picture shrinks.
    """
    if colour and picture.ndim == 2:
        picture = np.repeat(picture[:, :, None], 3, axis=2)
    if size is None:
        return picture
    side = min(picture.shape[:2])
    row, column = ((length - side) // 2 for length in picture.shape[:2])
    square = picture[row : row + side, column : column + side]
    if side == size:
        return np.ascontiguousarray(square)
    taps = _taps(side, size)
    resized_values = np.einsum("ik,kl...,jl->ij...", taps, square.astype(np.float64), taps, optimize=True)
    resized: Array = (np.rint(resized_values) if picture.dtype.kind == "u" else resized_values).astype(picture.dtype)
    return resized


def _taps(n: int, m: int) -> Array:
    """Weights (m, n) of sum 1 that take n values to m: a triangle around the middle of each, as wide as a step."""
    step = n / m
    centres = (np.arange(m)[:, None] + 0.5) * step
    weights = np.maximum(0, 1 - np.abs(np.arange(n) + 0.5 - centres) / max(step, 1.0))
    taps: Array = weights / weights.sum(axis=1, keepdims=True)
    return taps


def _shown(name: str) -> str:
    """A name of a file for people and for JSON, whatever its bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _by_class(names: Sequence[str], folders: bool, path: str) -> dict[str, list[str]]:
    """Class → names of its pictures; `folders` says that those of training and tests lie above. Raises `UsageError`."""
    depth = int(folders)
    by_class: dict[str, list[str]] = {}
    for name in names:
        parts = name.split("/")
        if folders and parts[0] not in SIDES:
            continue
        if len(parts) < depth + 2:
            where = f"{parts[0]}/CLASS" if folders else "CLASS"
            raise nb.UsageError(
                f"dataset folder: {nb.one_line(name)!r} lies in no folder of a class: {where}/NAME.png is due"
            )
        by_class.setdefault(parts[depth], []).append(name)
    if not folders and set(by_class) == set(SIDES):
        raise nb.UsageError(
            f"dataset folder: the folders of {nb.one_line(path)} are 'test' and 'train', which are no classes: "
            "give split_by=folders"
        )
    if len(by_class) < 2:
        listed = ", ".join(repr(nb.one_line(one)) for one in by_class) or "none"
        raise nb.UsageError(
            f"dataset folder: {nb.one_line(path)} has fewer than two folders of a class ({listed}): give each its own"
        )
    return dict(sorted(by_class.items()))


def _is_tested(name: str, file: Path, group: str | None, tested: float) -> bool:
    """By the hash of its group, or else of what is in the file: equal files are on one side."""
    if group is not None:
        digest = hashlib.sha256(group_of(_shown(name), group).encode()).hexdigest()
    else:
        try:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise nb.UsageError(f"picture {nb.one_line(file)} cannot be read ({error.strerror})") from None
    return int(digest[:8], 16) < tested * 2**32


@nb.dataset("folder", track="classify", licence="the user's own", own_files=True)
def folder(
    *,
    path: str,
    split: Side = "test",
    split_by: Literal["key", "folders"] = "key",
    tested: Annotated[float, Gt(0), Lt(1)] = 0.3,
    size: Annotated[int, Ge(1), Le(4096)] | None = None,
    colour: bool = False,
    group: str | None = None,
    n: Count | None = None,
) -> ClassFolders:
    """The user's own labelled pictures: a folder for each class.

    `path/CLASS/…/NAME.png`, or any other picture; classes are numbered in the order of their names, and what begins
    with a dot is left out. split: with split_by=key the share `tested` is for tests, by the hash of the file, so that
    equal files are on one side; with split_by=folders what lies in `path/test` and `path/train`. All pictures have one
    size, or are given size=N: the middle square of each, resized to N x N. colour: a grey picture is taken for RGB of
    three equal channels. group: a regular expression that finds in each relative name the object, person or video that
    it is of, such as "^[^/]+/([^_]+)" for all before the first _; pictures of one group count as one and are on one
    side of split_by=key. n: the first so many, the classes by turns; none is all.
    """
    listed = nb.list_files(path, nb.PICTURE_SUFFIXES, "**/*")
    files = {name: file for name, file in listed.items() if not any(part[:1] == "." for part in name.split("/"))}
    classes = _by_class(list(files), split_by == "folders", path)

    def is_chosen(name: str) -> bool:
        if split == "all" or split_by == "folders":
            return split == "all" or name.startswith(f"{split}/")
        return _is_tested(name, files[name], group, tested) == (split == "test")

    chosen = sorted(
        (place, label, name)
        for label, names in enumerate(classes.values())
        for place, name in enumerate(filter(is_chosen, names))
    )
    if not chosen:
        mend = f"put some into {split}" if split_by == "folders" else "give another tested=… or split=all"
        raise nb.UsageError(f"dataset folder: {nb.one_line(path)} has no picture for split={split}: {mend}")
    names, labels = [name for *_, name in chosen[:n]], [label for _, label, _ in chosen[:n]]
    first = next(iter(classes.values()))[0]
    return ClassFolders(files, names, [*classes], labels, first=first, size=size, colour=colour, group=group)
