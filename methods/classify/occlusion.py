from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le


def _covering(side: int, stride: int) -> None:
    if stride > side:
        raise nb.UsageError(f"occlusion: stride={stride} leaves pixels between squares of side={side} uncovered")


@nb.method("occlusion", track="classify", layout="hwc", explains=True, cite="M. D. Zeiler, R. Fergus, Visualizing and "
           "understanding convolutional networks, ECCV 2014")  # fmt: skip
@nb.checked(_covering)
class Occlusion:
    """Occlusion: how far a class's logit falls where a grey square covers a pixel.

    method: any classifier, with or without torch. Squares of `side` pixels in the mean colour of the picture, `stride`
    apart; a pixel has the mean fall over those that cover it.
    """

    def __init__(
        self,
        *,
        method: nb.MethodSpec,
        side: Annotated[int, Ge(1), Le(1024)] = 8,
        stride: Annotated[int, Ge(1), Le(1024)] = 4,
    ) -> None:
        self.inner, self.side, self.stride = nb.Classifier(method), side, stride

    def setup(self, device: Any) -> None:
        """Set up the classifier within. Raises `Skip` where its weights are missing."""
        self.inner.setup(device)

    def classify(self, picture: Any, info: Any) -> Any:
        """float32 (H, W, C) → logits (K,) and maps (K, H, W)."""
        logits = self.inner.classify(picture, info)[: info.classes]
        places = [(row, column) for row in self._starts(picture.shape[0]) for column in self._starts(picture.shape[1])]
        covered = []
        for row, column in places:
            copy = picture.copy()
            copy[self._square(row, column)] = picture.mean(axis=(0, 1))
            covered.append(copy)
        falls = logits - self.inner.classify_all(covered, info)[:, : info.classes]
        total, times = np.zeros((info.classes, *picture.shape[:2])), np.zeros(picture.shape[:2])
        for (row, column), fall in zip(places, falls, strict=True):
            total[:, *self._square(row, column)] += fall[:, None, None]
            times[self._square(row, column)] += 1
        return logits, total / times

    def _starts(self, length: int) -> list[int]:
        """Where squares begin along a side: the last one ends with it."""
        last = max(0, length - self.side)
        return sorted({*range(0, last + 1, self.stride), last})

    def _square(self, row: int, column: int) -> tuple[slice, slice]:
        return slice(row, row + self.side), slice(column, column + self.side)
