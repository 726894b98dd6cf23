"""Training batches of pictures with their label maps: what a regime makes of each, each time anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator, text_key
from ...imaging.pixels import to_unit
from ...text.errors import UsageError, one_line
from ...track.item_batches import ItemBatches
from .degrade import degrade_mapped
from .mapped_picture import UNLABELLED, MappedPicture, values_of

IGNORED = -100
"""What an unlabelled pixel is in a batch: the label that torch's losses leave out."""


class MapBatches(ItemBatches):
    """Batches: `given` float32 (B, C, H, W); `wanted` and `truth` int64 (B, H, W); `index` int64 (B,).

    `wanted` is the map that is trained on, `truth` the true one, for diagnostics alone, both `IGNORED` where a pixel is
    unlabelled; `index` is the place of the item in its dataset. With `crop` a square of so many pixels is cut from each
    picture, at a place of its own each time; 0 takes them whole. The batch of a step depends on the pictures, the
    regime, `seed` and the step alone; with `fixed` the regime draws on each picture once. Pictures are held in memory.
    Raises `UsageError` where they differ in channels or classes, in size where they are whole, or are smaller than a
    crop.
    """

    def __post_init__(self) -> None:
        self._items: list[MappedPicture] = [self.dataset.load(index) for index in self.chosen]
        first = self._items[0]
        for item in self._items:
            if self._kind(item) != self._kind(first):
                raise UsageError(
                    f"training pictures {one_line(first.id)!r} {first.picture.shape} and {one_line(item.id)!r} "
                    f"{item.picture.shape} differ in size, channels or classes: give a set of one kind, or a crop"
                )
            if min(item.labels.shape) < self.crop:
                raise UsageError(
                    f"training picture {one_line(item.id)!r} {item.picture.shape} has no crop of {self.crop}"
                )
        self._same: list[np.ndarray[Any, Any]] | None = None
        if len(self.regime.parts) == 1 and self.regime.entry.name == "none":
            self._same = [to_unit(values_of(item)).astype(np.float32) for item in self._items]
        elif self.fixed:
            self._same = [degrade_mapped(self.regime, item, self.seed)[0] for item in self._items]
        self._maps = [[_ignoring(labels) for labels in (item.given_labels, item.labels)] for item in self._items]
        given = self(0)["given"]
        self.given: tuple[int, ...] = given.shape[1:]
        self.wanted: tuple[int, ...] = (len(first.classes), *given.shape[2:])

    def __call__(self, step: int) -> Mapping[str, np.ndarray[Any, Any]]:
        """The batch of a step."""
        places = np.asarray(self.order(step))
        cut = [self._cut(int(place), step, turn) for turn, place in enumerate(places)]
        return {
            "given": np.stack([given.transpose(2, 0, 1) for given, _, _ in cut]),
            "wanted": np.stack([wanted for _, wanted, _ in cut]),
            "truth": np.stack([truth for _, _, truth in cut]),
            "index": np.asarray(self.chosen)[places].astype(np.int64),
        }

    def _cut(self, place: int, step: int, turn: int) -> tuple[np.ndarray[Any, Any], ...]:
        """What is given, and both maps."""
        if self._same is not None:
            given = self._same[place]
        else:
            given = degrade_mapped(self.regime, self._items[place], self.seed, step)[0]
        whole = (given, *self._maps[place])
        if not self.crop:
            return whole
        rng = keyed_generator(text_key(f"crop of a map|{self.seed}|{step}|{turn}"))
        row, column = (int(rng.integers(side - self.crop + 1)) for side in given.shape[:2])
        return tuple(one[row : row + self.crop, column : column + self.crop] for one in whole)

    def _kind(self, item: MappedPicture) -> tuple[Any, ...]:
        """What pictures of a batch must share."""
        return item.picture.shape[0 if not self.crop else 2 :], len(item.classes)


def _ignoring(labels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    wide = labels.astype(np.int64)
    return np.where(wide == UNLABELLED, IGNORED, wide)
