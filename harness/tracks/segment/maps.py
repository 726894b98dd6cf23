"""A found and a true label map, and what metrics count in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .mapped_picture import UNLABELLED

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Maps:
    """Maps (H, W) of one picture, of so many `classes`; pixels that the truth leaves `UNLABELLED` count nowhere."""

    predicted: Ints
    truth: Ints
    classes: int
    background: int | None = None

    @property
    def confusion(self) -> Ints:
        """Pixels by their true class (rows) and the one that was found (columns), (K, K)."""
        labelled = self.truth != UNLABELLED
        pairs = self.truth[labelled] * self.classes + self.predicted[labelled]
        return np.bincount(pairs, minlength=self.classes**2).reshape(self.classes, self.classes).astype(np.int64)

    def objects(self, confusion: Ints) -> list[int]:
        """The classes but the background that are there in either map, as far as pixels are labelled."""
        present = confusion.sum(axis=0) + confusion.sum(axis=1) > 0
        return [int(one) for one in np.flatnonzero(present) if one != self.background]


def iou_of(confusion: Ints) -> Floats:
    """Intersection over union of each class, (K,); NaN of one that is in neither map."""
    hits = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    iou: Floats = np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)
    return iou


def dice_of(confusion: Ints) -> Floats:
    """Twice the intersection over the sum of both areas, of each class, (K,); NaN of one that is in neither map."""
    hits = np.diag(confusion).astype(np.float64)
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    dice: Floats = np.divide(2 * hits, both, out=np.full(len(hits), np.nan), where=both > 0)
    return dice
