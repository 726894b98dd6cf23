"""One stream of labelled pictures as an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...text.errors import UsageError, one_line

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Stream:
    """Labelled pictures, as the track `classify` has them, and the order in which they come, `batch` at a time.

    `order` are places in `pictures`, int64 (N,): in a stream of several rounds a picture comes more than once. A
    picture with a label below 0 is of a class that the classifier does not know. All have the same size and classes.
    """

    id: str
    pictures: Sequence[Any]
    order: Array
    batch: int
    group: str = ""

    @property
    def labels(self) -> Array:
        """The true label of each picture that comes, int64 (N,), below 0 where it is of no known class."""
        return np.array([item.label for item in self.pictures], np.int64)[self.order]

    def __repr__(self) -> str:
        return f"Stream({self.id!r}, {len(self.order)} of {len(self.pictures)} pictures, {self.batch} at a time)"


@dataclass(frozen=True)
class Arrivals:
    """What a method is given of a stream: pictures under the regime, float32 (M, H, W, C), their order, the batch."""

    pictures: Array
    order: Array
    batch: int


def checked(stream: Stream) -> Stream:
    """The stream. Raises `UsageError` for one that has no pictures, or names such as it does not have."""
    who = one_line(repr(stream.id), 60)
    if not len(stream.pictures) or not len(stream.order):
        raise UsageError(f"{who}: a stream without pictures")
    if stream.batch < 1 or stream.order.min() < 0 or stream.order.max() >= len(stream.pictures):
        raise UsageError(
            f"{who}: give a batch of 1 or more, and an order of places from 0 to {len(stream.pictures) - 1}"
        )
    if len({(item.picture.shape, len(item.classes)) for item in stream.pictures}) > 1:
        raise UsageError(f"{who}: its pictures differ in size or classes: give a dataset of one kind")
    return stream
