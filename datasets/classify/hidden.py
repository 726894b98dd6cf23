from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.classify import LabelledPicture
from noisebench.tracks.classify.labelled_picture import values_of

_TRIES = 1000
"""Times that places for all pictures of a canvas are drawn before it is said that there is no room."""

Floats = np.ndarray[Any, np.dtype[np.float32]]
Place = tuple[slice, slice]


class Hidden:
    """Canvases that are made when they are loaded; each depends on the id of its picture and on the seed alone."""

    def __init__(self, of: nb.Dataset, size: int, beside: int, behind: Sequence[nb.Dataset], seed: int) -> None:
        self._of, self._size, self._beside, self._behind, self._seed = of, size, beside, behind, seed
        self.ids: Sequence[str] = of.ids

    def load(self, index: int) -> LabelledPicture:
        """Canvas `index`, float32 (size, size) or (size, size, C). Raises `UsageError` where a picture has no room."""
        item: LabelledPicture = self._of.load(index)
        rng = nb.keyed_generator(nb.text_key(f"hidden|{self._seed}|{item.id}"))
        shown = [item, *self._others(item, rng)]
        pictures = [as_floats(one) for one in shown]
        canvas = self._canvas(pictures[0].shape[2], rng)
        regions = np.full((self._size, self._size), -1, np.int16)
        for one, picture, place in zip(shown, pictures, self._places(pictures, item.id, rng), strict=True):
            canvas[place], regions[place] = picture, one.label
        canvas = canvas[:, :, 0] if np.asarray(item.picture).ndim == 2 else canvas
        return LabelledPicture(
            item.id, canvas, item.label, item.classes, item.annotated, group=item.group, regions=regions
        )

    def _others(self, item: LabelledPicture, rng: np.random.Generator) -> list[LabelledPicture]:
        """Pictures of the set, each of a class of its own."""
        others: list[LabelledPicture] = []
        for place in rng.permutation(len(self._of.ids)) if self._beside else ():
            one: LabelledPicture = self._of.load(int(place))
            if one.label not in (item.label, *(other.label for other in others)):
                others.append(one)
            if len(others) == self._beside:
                return others
        if self._beside:
            raise nb.UsageError(f"dataset hidden: beside={self._beside} are more classes than the set has: give fewer")
        return others

    def _canvas(self, channels: int, rng: np.random.Generator) -> Floats:
        """Black, or a part of a picture of the sets that lie behind, (size, size, channels)."""
        size = self._size
        counts = [len(one.ids) for one in self._behind]
        if not counts:
            return np.zeros((size, size, channels), np.float32)
        place = int(rng.integers(sum(counts)))
        dataset = int(np.searchsorted(np.cumsum(counts), place, side="right"))
        sample: nb.Sample = self._behind[dataset].load(place - sum(counts[:dataset]))
        whole = np.asarray(sample.clean)
        whole = whole[:, :, None] if whole.ndim == 2 else whole
        if min(whole.shape[:2]) < size:
            raise nb.UsageError(
                f"dataset hidden: {nb.one_line(sample.id)!r} of behind is {whole.shape[:2]}, smaller than size={size}"
            )
        row, column = (int(rng.integers(length - size + 1)) for length in whole.shape[:2])
        part = whole[row : row + size, column : column + size]
        values = (part / (np.iinfo(part.dtype).max if part.dtype.kind == "u" else 1)).astype(np.float32)
        if values.shape[2] != channels:
            values = values.mean(axis=2, keepdims=True)
        return np.array(np.broadcast_to(values, (size, size, channels)))

    def _places(self, pictures: Sequence[Floats], name: str, rng: np.random.Generator) -> list[Place]:
        """A place for each picture: all that do not meet are equally likely."""
        if max(side for one in pictures for side in one.shape[:2]) > self._size:
            raise nb.UsageError(f"dataset hidden: size={self._size} has no room for {nb.one_line(name)!r}: give more")
        for _ in range(_TRIES):
            corners = [[int(rng.integers(self._size - side + 1)) for side in one.shape[:2]] for one in pictures]
            places = [
                (slice(row, row + one.shape[0]), slice(column, column + one.shape[1]))
                for (row, column), one in zip(corners, pictures, strict=True)
            ]
            if not any(_meet(one, other) for one, other in itertools.combinations(places, 2)):
                return places
        raise nb.UsageError(
            f"dataset hidden: size={self._size} has no room for beside={self._beside} pictures more: give more for size"
        )


def _meet(one: Place, other: Place) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


def as_floats(item: LabelledPicture) -> Floats:
    """The picture as float32 (H, W, C) on [0, 1]."""
    values = values_of(item)
    return (values / (np.iinfo(values.dtype).max if values.dtype.kind == "u" else 1)).astype(np.float32)


@nb.dataset("hidden", track="classify", licence="that of the other sets")
def hidden(
    *,
    of: nb.DatasetSpec,
    size: Annotated[int, Ge(1), Le(4096)] = 24,
    beside: Annotated[int, Ge(0), Le(100)] = 0,
    behind: Annotated[Any, nb.Nested("dataset", track="restore", many=True)] = (),
    seed: Annotated[int, Ge(0)] = 0,
) -> Hidden:
    """Pictures of another set, each in a larger canvas: where it lies is known, so that maps can be judged by it.

    of: the other set. The canvas is `size` x `size` and black, or a part of a picture of the sets `behind`, of the
    track `restore`. beside: so many more pictures of the set, each of a class of its own, in places of their own. Label
    and annotation are those of the first. seed: of places and company.
    """
    return Hidden(nb.open_dataset(of), size, beside, [nb.open_dataset(one) for one in behind], seed)
