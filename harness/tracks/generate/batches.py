"""Training batches of pictures, with their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...components.registry import Bound
from ...text.errors import UsageError, one_line
from ...track.protocols import Dataset
from .items import TrainingPicture


class PictureBatches:
    """Batches of float32 (B, C, H, W): `given` and `wanted` are the pictures on [0, 1], `labels` (B,) int64, -1: none.

    The noise is the objective's: a batch depends on `dataset`, `chosen` and `order` alone. Raises `UsageError` for
    items that are no training pictures, or differ in their shape.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int = 0,
        seed: int = 0,
        fixed: bool = False,
    ) -> None:
        items = [dataset.load(index) for index in chosen]
        for item in items:
            if not isinstance(item, TrainingPicture):
                raise UsageError(
                    f"{one_line(repr(item.id), 60)} is a batch of latents: train on pictures: digits(split=train)"
                )
            if item.picture.shape != items[0].picture.shape:
                raise UsageError(
                    f"training pictures are of one shape, not {items[0].picture.shape} and {item.picture.shape}"
                )
        self._order = order
        self._pictures = np.stack([(item.picture + 1) / 2 for item in items]).astype(np.float32)
        self._labels = np.array([item.label for item in items], np.int64)
        self.given: tuple[int, ...] = self._pictures.shape[1:]
        self.wanted: tuple[int, ...] = self.given

    def __call__(self, step: int) -> Mapping[str, np.ndarray[Any, Any]]:
        """The batch of a step."""
        places = np.asarray(self._order(step))
        pictures = self._pictures[places]
        return {"given": pictures, "wanted": pictures, "labels": self._labels[places]}
