from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._split import Count, Split, check_values, find_folder
from noisebench.tracks.classify import LabelledPicture

Labels = Literal["clean", "aggregate", "random1", "random2", "random3", "worst"]

_HOME = "https://www.cs.toronto.edu/~kriz/cifar.html"
_HUMAN = "http://noisylabels.com"
_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_SHEETS = {"train": (25, 40), "test": (10, 20)}
_SHA256 = {
    "train": "267ba7a73545c5936b4a246452671f593c7440be221b12c7a5f5744bd9a07496",
    "test": "7c67307e4e3b0a5acf8f4a6ef48e7f7f56d8a44e09c724de367dfe8d13fe58b1",
}


@lru_cache(maxsize=2)
def _pictures(folder: Path, split: str) -> np.ndarray[Any, Any]:
    """All pictures of a split, class by class, uint8 (N, 32, 32, 3)."""
    across, down = _SHEETS[split]
    tiles = []
    for number in range(len(_CLASSES)):
        sheets = sorted(folder.glob(f"{split}_{number}_*.webp"))
        if len(sheets) != 1:
            raise nb.UsageError(f"{nb.one_line(folder)} lacks the sheet {split}_{number}_NAME.webp: get it again")
        sheet = nb.read_picture(sheets[0])
        if sheet.shape != (down * 32, across * 32, 3):
            raise nb.UsageError(f"{nb.one_line(sheets[0])} is no sheet of {across} by {down} pictures: get it again")
        tiles.append(sheet.reshape(down, 32, across, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3))
    pictures = np.concatenate(tiles)
    check_values(pictures.tobytes(), _SHA256[split], nb.one_line(folder))
    return pictures


@lru_cache(maxsize=8)
def _annotated(labels: str) -> np.ndarray[Any, Any]:
    """What annotators said of the training pictures, in the order of the sheets."""
    file = find_folder("cifar10n", "cifar10n.npz", _HUMAN) / "cifar10n.npz"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            annotated: np.ndarray[Any, Any] = arrays[labels]
    except (OSError, ValueError, KeyError) as error:
        raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
    if annotated.shape != (10_000,) or annotated.max() > 9:
        raise nb.UsageError(f"{nb.one_line(file)}: {labels} are no 10,000 labels of ten classes: get it again")
    return annotated


class CIFAR10Subset:
    """The first `n` pictures of a split, the classes by turns."""

    def __init__(self, split: str, n: int | None, labels: str) -> None:
        across, down = _SHEETS[split]
        self._each = across * down
        self._split, self._labels = split, labels
        count = min(n or self._each * len(_CLASSES), self._each * len(_CLASSES))
        self.ids: Sequence[str] = [
            f"cifar10_{split}_{_CLASSES[i % len(_CLASSES)]}_{i // len(_CLASSES):04d}" for i in range(count)
        ]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, uint8 (32, 32, 3). Raises `UsageError` where the set, or a label, is not there."""
        label = index % len(_CLASSES)
        place = label * self._each + index // len(_CLASSES)
        folder = find_folder("cifar10_subset", "cifar10_index.npz", _HOME)
        annotated = None if self._labels == "clean" else int(_annotated(self._labels)[place])
        return LabelledPicture(self.ids[index], _pictures(folder, self._split)[place], label, _CLASSES, annotated)


@nb.dataset(
    "cifar10_subset",
    track="classify",
    licence="research use; the human labels CC BY-NC 4.0",
    citation=(
        "A. Krizhevsky, Learning multiple layers of features from tiny images, 2009; "
        "J. Wei et al., Learning with noisy labels revisited, ICLR 2022"
    ),
    homepage=_HOME,
)
def cifar10_subset(*, split: Split = "test", n: Count | None = None, labels: Labels = "clean") -> CIFAR10Subset:
    """A fifth of CIFAR-10: colour pictures at 32 x 32, 10,000 to train on and 2,000 for tests, with human label noise.

    labels: what a training is told; other than `clean`, the annotations of CIFAR-10N, for training pictures alone.
    n: the first so many, the classes by turns; none is all.

    Public: a method can know its items and their truths.
    """
    if labels != "clean" and split == "test":
        raise nb.UsageError("cifar10_subset has human labels of its training pictures alone: give split=train")
    return CIFAR10Subset(split, n, labels)
