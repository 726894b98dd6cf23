from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._split import Count, Split, check_values, find_folder
from noisebench.tracks.classify import LabelledPicture

_HOME = "https://github.com/zalandoresearch/fashion-mnist"
_SIZES = {"train": 60_000, "test": 10_000}
_SHA256 = {
    "train": (
        "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    ),
    "test": (
        "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
    ),
}
_CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@lru_cache(maxsize=2)
def _arrays(folder: str, split: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    file = f"{folder}/fashion_mnist.npz"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            pictures, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    except (OSError, ValueError, KeyError) as error:
        raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
    for array, sha256 in zip((pictures, labels), _SHA256[split], strict=True):
        check_values(array.tobytes(), sha256, nb.one_line(file))
    return pictures, labels


class FashionMNIST:
    """The first `n` pictures of a split, in the official order."""

    def __init__(self, split: str, n: int | None) -> None:
        count = min(n or _SIZES[split], _SIZES[split])
        self._split = split
        self.ids: Sequence[str] = [f"fashion_{split}_{i:05d}" for i in range(count)]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, uint8 (28, 28). Raises `UsageError` where the set is not there."""
        folder = find_folder("fashion_mnist", "fashion_mnist.npz", _HOME)
        pictures, labels = _arrays(str(folder), self._split)
        return LabelledPicture(self.ids[index], pictures[index], int(labels[index]), _CLASSES)


@nb.dataset(
    "fashion_mnist",
    track="classify",
    licence="MIT",
    citation="H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST, arXiv 1708.07747, 2017",
    homepage=_HOME,
)
def fashion_mnist(*, split: Split = "test", n: Count | None = None) -> FashionMNIST:
    """Fashion-MNIST: grey pictures of clothes at 28 x 28 of ten classes, 60,000 to train on and 10,000 for tests.

    n: the first so many of the split, in the official order; none is all.

    Public: a method can know its items and their truths.
    """
    return FashionMNIST(split, n)
