"""Training batches of pictures, with their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...text.errors import UsageError, one_line
from ...track.item_batches import ItemBatches
from .items import TrainingPicture


class PictureBatches(ItemBatches):
    """Batches of float32 (B, C, H, W): `given` and `wanted` are the pictures on [0, 1], `labels` (B,) int64, -1: none.

    The noise is the objective's: a batch depends on `dataset`, `chosen` and `order` alone. Raises `UsageError` for
    items that are no training pictures, or differ in their shape.
    """

    def __post_init__(self) -> None:
        items = [self.dataset.load(index) for index in self.chosen]
        for item in items:
            if not isinstance(item, TrainingPicture):
                raise UsageError(
                    f"{one_line(repr(item.id), 60)} is a batch of latents: train on pictures: digits(split=train)"
                )
            if item.picture.shape != items[0].picture.shape:
                raise UsageError(
                    f"training pictures are of one shape, not {items[0].picture.shape} and {item.picture.shape}"
                )
        self._pictures = np.stack([(item.picture + 1) / 2 for item in items]).astype(np.float32)
        self._labels = np.array([item.label for item in items], np.int64)
        self.given: tuple[int, ...] = self._pictures.shape[1:]
        self.wanted: tuple[int, ...] = self.given

    def __call__(self, step: int) -> Mapping[str, np.ndarray[Any, Any]]:
        """The batch of a step."""
        places = np.asarray(self.order(step))
        pictures = self._pictures[places]
        return {"given": pictures, "wanted": pictures, "labels": self._labels[places]}
