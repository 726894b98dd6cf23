"""What the streams share: pictures, so many rounds of them, each in an order of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.tracks.adapt import Stream

Labelled = Annotated[Any, nb.Nested("dataset", track="classify")]
Batch = Annotated[int, Ge(2), Le(65_536)]
Rounds = Annotated[int, Ge(1), Le(10_000)]
Many = Annotated[int, Ge(1), Le(1000)]


class Streams:
    """So many streams of the same pictures, each in an order of its own."""

    def __init__(self, pictures: Sequence[Any], batch: int, rounds: int, streams: int) -> None:
        self._pictures, self._batch, self._rounds = pictures, batch, rounds
        self.ids: Sequence[str] = [f"stream_{number:03d}" for number in range(streams)]

    def load(self, index: int) -> Stream:
        """Stream `index`; its order depends on its number alone."""
        name = self.ids[index]
        order = [
            nb.keyed_generator(nb.text_key(f"{name}|round {turn}")).permutation(len(self._pictures))
            for turn in range(self._rounds)
        ]
        return Stream(name, self._pictures, np.concatenate(order).astype(np.int64), self._batch)


def pictures_of(dataset: nb.Bound) -> list[Any]:
    """All pictures of a dataset of the track `classify`. Raises `UsageError` where it has none."""
    opened = nb.open_dataset(dataset)
    if not opened.ids:
        raise nb.UsageError(f"dataset {dataset.display} has no pictures for a stream")
    return [opened.load(index) for index in range(len(opened.ids))]
