"""Training batches of labelled pictures: what a regime makes of each, each time anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...imaging.pixels import to_unit
from ...text.errors import UsageError, one_line
from ...track.item_batches import ItemBatches
from .degrade import degrade_labelled
from .labelled_picture import LabelledPicture, values_of


class LabelBatches(ItemBatches):
    """Batches: `given` float32 (B, C, H, W); `wanted`, `truth` and `index` int64 (B,).

    `wanted` is the label that is trained on, `truth` the true one, for diagnostics alone, -1 where a picture shows none
    of the classes; `index` is the place of the item in its dataset. The batch of a step depends on the pictures, the
    regime, `seed` and the step alone; with `fixed` the regime draws on each picture once. Pictures are held in memory,
    whole, whatever the `crop`. Raises `UsageError` where they differ in size, channels or classes.
    """

    def __post_init__(self) -> None:
        self._items: list[LabelledPicture] = [self.dataset.load(index) for index in self.chosen]
        first = self._items[0]
        for item in self._items:
            if item.picture.shape != first.picture.shape or len(item.classes) != len(first.classes):
                raise UsageError(
                    f"training pictures {one_line(first.id)!r} {first.picture.shape} and {one_line(item.id)!r} "
                    f"{item.picture.shape} differ in size or classes: give a set of one kind"
                )
        self._same = None
        if len(self.regime.parts) == 1 and self.regime.entry.name == "none":
            self._same = np.stack([_chw(to_unit(values_of(item))) for item in self._items])
        elif self.fixed:
            self._same = np.stack([_chw(degrade_labelled(self.regime, item, self.seed)[0]) for item in self._items])
        self._labels = np.array([[item.given_label, item.label] for item in self._items], np.int64)
        self.given: tuple[int, ...] = self(0)["given"].shape[1:]
        self.wanted: tuple[int, ...] = (len(first.classes),)

    def __call__(self, step: int) -> Mapping[str, np.ndarray[Any, Any]]:
        """The batch of a step."""
        places = np.asarray(self.order(step))
        if self._same is not None:
            given = self._same[places]
        else:
            given = np.stack([_chw(degrade_labelled(self.regime, self._items[p], self.seed, step)[0]) for p in places])
        return {
            "given": given,
            "wanted": self._labels[places, 0],
            "truth": self._labels[places, 1],
            "index": np.asarray(self.chosen)[places].astype(np.int64),
        }


def _chw(picture: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)
