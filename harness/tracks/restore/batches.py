"""Training batches of pictures: keyed crops, turned and mirrored, and what a regime makes of each."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...components.keyed_noise import keyed_generator
from ...imaging.pixels import Array, as_hwc, canonical
from ...imaging.sample import Sample
from ...text.errors import UsageError
from ...track.item_batches import ItemBatches
from ...track.training_batches import Reader
from .degrade import clean_of, degrade_sample

_CACHED = 1 << 30
"""Bytes of pictures that are held in memory, at most."""
_LOOKED = 64
"""Crops that are looked at, at most, for one that is coloured."""
_EXPECTED_STEPS = 8
"""Steps whose pictures a reader is told to expect."""
_Planes = dict[str, Array]
"""What is made of an item for a batch, by name, each (C, h, w)."""


class CropBatches(ItemBatches):
    """Batches of float32 tensors (B, C, h, w): `given` under the regime, `wanted` clean, and the regime's `planes`.

    `place`, int64 (B,), is the place of an item among those that are trained on.
    The batch of a step depends on the pictures, the regime, `seed` and the step alone. Each crop is `crop` pixels a
    side, turned and mirrored at random before the regime draws on it, each time anew; with `fixed` a picture gives one
    crop, upright, and the regime draws on it once. Where some pictures have three channels, a grey one is given as
    three equal ones, its noise included. Raises `UsageError` where a picture is smaller, or where pictures differ in
    their channels otherwise.
    """

    def __post_init__(self) -> None:
        self._items: OrderedDict[int, Sample] = OrderedDict()
        self._fixed_crops: dict[int, _Planes] = {}
        self._planes = sorted({name for part in self.regime.parts for name in part.entry.meta["planes"]})
        self._bytes = 0
        self._reader: Reader | None = None
        self._expected = range(0)
        self.given: tuple[int, ...] = (0, self.crop, self.crop)
        self.wanted: tuple[int, ...] = self.given
        self.given, self.wanted = self._shapes()

    def _shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Those of the first batch, or of the first one that has a coloured picture."""
        first, step, seen = self(0), 1, 0
        while first["wanted"].shape[1] == 1 and (seen := seen + len(first["wanted"])) < _LOOKED:
            first, step = self(step), step + 1
        return first["given"].shape[1:], first["wanted"].shape[1:]

    def __call__(self, step: int) -> Mapping[str, Array]:
        """The batch of a step."""
        places = self.order(step)
        self._expect(step)
        chosen = [self.chosen[place] for place in places]
        if self.fixed:
            crops = [self._made_once(index) for index in chosen]
        else:
            rng = self._rng(str(step))
            crops = [self._make(index, rng, step) for index in chosen]
        if 3 in (self.wanted[0], *(len(one["wanted"]) for one in crops)):
            crops = [_in_three(one) for one in crops]
        kinds = {(len(one["given"]), len(one["wanted"])) for one in crops}
        kinds |= {(self.given[0], self.wanted[0])} - {(0, 0)}
        if len(kinds) > 1:
            channels = " and ".join(str(wanted) for _, wanted in sorted(kinds))
            raise UsageError(f"the training pictures have {channels} channels: make them alike, such as by luma(of=…)")
        if self._reader is not None and len(self._items) == len(self.chosen):
            self._reader.close()
            self._reader = None
        batch = {name: np.stack([one[name] for one in crops]) for name in crops[0]}
        return batch | {"place": np.asarray(places, np.int64)}

    def read_by(self, reader: Reader, first: int, steps: int) -> None:
        """Have `reader` read the pictures, for the steps from `first` to `steps`."""
        self._reader, self._expected = reader, range(first, steps)
        self._expect(first)

    def _expect(self, step: int) -> None:
        """Tell the reader what the next steps want."""
        while self._reader is not None and self._expected and self._expected[0] <= step + _EXPECTED_STEPS:
            coming, self._expected = self._expected[0], self._expected[1:]
            wanted = (self.chosen[place] for place in self.order(coming))
            self._reader.expect(index for index in wanted if index not in self._items)

    def _rng(self, purpose: str) -> np.random.Generator:
        return keyed_generator(hashlib.sha256(f"crops|{self.seed}|{purpose}".encode()).digest())

    def _made_once(self, index: int) -> _Planes:
        """What is made of an item, once as long as there is room for it."""
        if index in self._fixed_crops:
            return self._fixed_crops[index]
        planes = self._make(index, self._rng(f"item {self.dataset.ids[index]}"), 0)
        if (len(self._fixed_crops) + 1) * sum(plane.nbytes for plane in planes.values()) <= _CACHED:
            self._fixed_crops[index] = planes
        return planes

    def _make(self, index: int, rng: np.random.Generator, step: int) -> _Planes:
        item = self._item(index)
        size, (height, width) = self.crop, item.clean.shape[:2]
        if min(height, width) < size:
            raise UsageError(
                f"training picture {item.id!r} is {height}×{width}: give crop={min(height, width)} or less"
            )
        scale = 1 if item.noisy is None else height // item.noisy.shape[0]
        # In steps of the scale, so that the dataset's own noisy picture can be cut at the same place.
        row, column = (int(rng.integers(0, (side - size) // scale + 1)) * scale for side in (height, width))
        turns, mirrored = (0, False) if self.fixed else (int(rng.integers(4)), bool(rng.integers(2)))

        def cut(picture: Array, by: int) -> Array:
            part = picture[row // by : (row + size) // by, column // by : (column + size) // by]
            part = np.rot90(part, turns)
            return np.ascontiguousarray(part[:, ::-1] if mirrored else part)

        noisy = None if item.noisy is None else cut(item.noisy, scale)
        sample = replace(item, clean=cut(item.clean, 1), noisy=noisy, meta={})
        given, info = degrade_sample(self.regime, sample, self.seed, step)
        clean = sample.clean
        wanted = clean.astype(np.float32) / (np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1)
        wanted = np.ascontiguousarray(wanted.transpose(2, 0, 1), dtype=np.float32)
        disclosed = info.disclosed()
        planes = {name: disclosed[name] for name in self._planes if disclosed.get(name) is not None}
        return {
            "given": given.transpose(2, 0, 1),
            "wanted": wanted,
            **{name: np.asarray(plane, np.float32)[None] for name, plane in planes.items()},
        }

    def _item(self, index: int) -> Sample:
        """An item with its pictures as (H, W, C), read once as long as there is room for it."""
        if index in self._items:
            self._items.move_to_end(index)
            return self._items[index]
        item: Sample = (self._reader or self.dataset).load(index)
        noisy = None if item.noisy is None else as_hwc(np.asarray(item.noisy))
        item = replace(item, clean=canonical(clean_of(item)), noisy=noisy)
        self._items[index] = item
        self._bytes += _size(item)
        while self._bytes > _CACHED and len(self._items) > 1:
            self._bytes -= _size(self._items.popitem(last=False)[1])
        return item


def _in_three(planes: _Planes) -> _Planes:
    """A pair whose pictures are grey in three equal channels; another as it is."""
    if len(planes["given"]) == len(planes["wanted"]) == 1:
        return planes | {name: np.repeat(planes[name], 3, axis=0) for name in ("given", "wanted")}
    return planes


def _size(item: Any) -> int:
    return int(item.clean.nbytes + (0 if item.noisy is None else item.noisy.nbytes))
