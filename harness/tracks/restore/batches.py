"""Training batches of pictures: keyed crops, turned and mirrored, and what a regime makes of each."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import UsageError
from ...imaging.pixels import Array, as_hwc, canonical
from ...imaging.sample import Sample
from ...keyed_noise import keyed_generator
from ...registry import Bound
from ...track import Dataset
from .degrade import clean_of, degrade_sample

_HELD = 1 << 30
"""Bytes of pictures that are held in memory, at most."""
_Pair = dict[str, Array]
"""What a batch holds of one picture, by name."""
_LOOKED = 64
"""Crops that are looked at, at most, for one that is coloured."""


class CropBatches:
    """Batches of float32 tensors (B, C, h, w): `given` under the regime, `wanted` clean, and where the regime discloses
    which pixels are known, `mask` (B, 1, h, w), 1 where they are.

    The batch of a step depends on the pictures, the regime, `seed` and the step alone. Each crop is `crop` pixels a
    side, turned and mirrored at random before the regime draws on it, each time anew; with `fixed` a picture gives one
    crop, upright, and the regime draws on it once. Where some pictures have three channels, a grey one is given as
    three equal ones, its noise included. Raises `UsageError` where a picture is smaller, or where pictures differ in
    their channels otherwise.
    """

    def __init__(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int,
        seed: int,
        fixed: bool = False,
    ) -> None:
        self._dataset, self._chosen, self._regime, self._order = dataset, chosen, regime, order
        self._crop, self._seed, self._fixed = crop, seed, fixed
        self._held: OrderedDict[int, Sample] = OrderedDict()
        self._pairs: dict[int, _Pair] = {}
        self._bytes = 0
        self.given: tuple[int, ...] = (0, crop, crop)
        self.wanted: tuple[int, ...] = (0, crop, crop)
        self.given, self.wanted = self._shapes()

    def _shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Those of the first batch, or of the first one that has a coloured picture."""
        first, step, seen = self(0), 1, 0
        while first["wanted"].shape[1] == 1 and (seen := seen + len(first["wanted"])) < _LOOKED:
            first, step = self(step), step + 1
        return first["given"].shape[1:], first["wanted"].shape[1:]

    def __call__(self, step: int) -> Mapping[str, Array]:
        """The batch of a step."""
        chosen = [self._chosen[place] for place in self._order(step)]
        if self._fixed:
            pairs = [self._fixed_pair(index) for index in chosen]
        else:
            rng = self._rng(str(step))
            pairs = [self._pair(index, rng, step) for index in chosen]
        if 3 in (self.wanted[0], *(len(pair["wanted"]) for pair in pairs)):
            pairs = [_in_three(pair) for pair in pairs]
        kinds = {(len(p["given"]), len(p["wanted"])) for p in pairs} | {(self.given[0], self.wanted[0])} - {(0, 0)}
        if len(kinds) > 1:
            channels = " and ".join(str(wanted) for _, wanted in sorted(kinds))
            raise UsageError(
                f"the training pictures have {channels} channels: give pictures of one kind, such as luma(of=…) of them"
            )
        return {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}

    def _rng(self, what: str) -> np.random.Generator:
        return keyed_generator(hashlib.sha256(f"crops|{self._seed}|{what}".encode()).digest())

    def _fixed_pair(self, index: int) -> _Pair:
        """The pair of an item, made once as long as there is room for it."""
        if index in self._pairs:
            return self._pairs[index]
        pair = self._pair(index, self._rng(f"item {self._dataset.ids[index]}"), 0)
        if (len(self._pairs) + 1) * sum(array.nbytes for array in pair.values()) <= _HELD:
            self._pairs[index] = pair
        return pair

    def _pair(self, index: int, rng: np.random.Generator, step: int) -> _Pair:
        item = self._item(index)
        size, (height, width) = self._crop, item.clean.shape[:2]
        if min(height, width) < size:
            raise UsageError(
                f"training picture {item.id!r} is {height}×{width}: give crop={min(height, width)} or less"
            )
        scale = 1 if item.noisy is None else height // item.noisy.shape[0]
        # In steps of the scale, so that the dataset's own noisy picture can be cut at the same place.
        top, left = (int(rng.integers(0, (side - size) // scale + 1)) * scale for side in (height, width))
        turns, mirrored = (0, False) if self._fixed else (int(rng.integers(4)), bool(rng.integers(2)))

        def cut(picture: Array, by: int) -> Array:
            part = picture[top // by : (top + size) // by, left // by : (left + size) // by]
            part = np.rot90(part, turns)
            return np.ascontiguousarray(part[:, ::-1] if mirrored else part)

        noisy = None if item.noisy is None else cut(item.noisy, scale)
        sample = replace(item, clean=cut(item.clean, 1), noisy=noisy, meta={})
        given, info = degrade_sample(self._regime, sample, self._seed, step)
        clean = sample.clean
        wanted = clean.astype(np.float32) / (np.iinfo(clean.dtype).max if clean.dtype.kind == "u" else 1)
        pair = {
            "given": given.transpose(2, 0, 1),
            "wanted": np.ascontiguousarray(wanted.transpose(2, 0, 1), dtype=np.float32),
        }
        return pair if info.mask is None else {**pair, "mask": np.asarray(info.mask, np.float32)[None]}

    def _item(self, index: int) -> Sample:
        """An item with its pictures as (H, W, C), read once as long as there is room for it."""
        if index in self._held:
            self._held.move_to_end(index)
            return self._held[index]
        item: Sample = self._dataset.load(index)
        noisy = None if item.noisy is None else as_hwc(np.asarray(item.noisy))
        item = replace(item, clean=canonical(clean_of(item)), noisy=noisy)
        self._held[index] = item
        self._bytes += _size(item)
        while self._bytes > _HELD and len(self._held) > 1:
            self._bytes -= _size(self._held.popitem(last=False)[1])
        return item


def _in_three(pair: _Pair) -> _Pair:
    """A pair whose pictures are grey in three equal channels; another as it is."""
    if len(pair["given"]) != 1 or len(pair["wanted"]) != 1:
        return pair
    return {**pair, **{name: np.repeat(pair[name], 3, axis=0) for name in ("given", "wanted")}}


def _size(item: Any) -> int:
    return int(item.clean.nbytes + (0 if item.noisy is None else item.noisy.nbytes))
