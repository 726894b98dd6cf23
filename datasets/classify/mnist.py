from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.classify._split import Count, Split, check_values, find_folder
from noisebench.tracks.classify import LabelledPicture

_HOME = "http://yann.lecun.com/exdb/mnist"
_SIZES = {"train": 60_000, "test": 10_000}
_SHA256 = {
    "train": (
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "test": (
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}


@lru_cache(maxsize=2)
def _arrays(folder: str, split: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    file = f"{folder}/mnist.npz"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            pictures, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
    except (OSError, ValueError, KeyError) as error:
        raise nb.UsageError(f"{nb.one_line(file)} cannot be read: {nb.one_line(error)}") from None
    for array, sha256 in zip((pictures, labels), _SHA256[split], strict=True):
        check_values(array.tobytes(), sha256, nb.one_line(file))
    return pictures, labels


class MNIST:
    """The first `n` pictures of a split, in the official order."""

    def __init__(self, split: str, n: int | None) -> None:
        count = min(n or _SIZES[split], _SIZES[split])
        self._split = split
        self.ids: Sequence[str] = [f"mnist_{split}_{i:05d}" for i in range(count)]

    def load(self, index: int) -> LabelledPicture:
        """Picture `index`, uint8 (28, 28). Raises `UsageError` where the set is not there."""
        folder = find_folder("mnist", "mnist.npz", _HOME)
        pictures, labels = _arrays(str(folder), self._split)
        return LabelledPicture(self.ids[index], pictures[index], int(labels[index]), tuple("0123456789"))


@nb.dataset(
    "mnist",
    track="classify",
    licence="none stated",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document recognition, "
    "Proc. IEEE 86(11), 1998",
    homepage=_HOME,
)
def mnist(*, split: Split = "test", n: Count | None = None) -> MNIST:
    """MNIST: handwritten digits at 28 x 28, 60,000 to train on and 10,000 for tests.

    n: the first so many of the split, in the official order; none is all. The first half of the test pictures is easier
    than the second.

    Public: a method can know its items and their truths.
    """
    return MNIST(split, n)
