"""Streams of labelled pictures, for some rounds, with pictures of unknown classes among them where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.adapt import Stream

Labelled = Annotated[Any, nb.Nested("dataset", track="classify")]
Count = Annotated[int, Ge(1)]


class Streams:
    """So many streams of the same pictures, each in an order of its own."""

    def __init__(self, pictures: Sequence[Any], streams: int, rounds: int, batch: int) -> None:
        self._pictures, self._rounds, self._batch = pictures, rounds, batch
        self.ids: Sequence[str] = [f"stream_{number:02d}" for number in range(streams)]

    def load(self, index: int) -> Stream:
        """Stream `index`; its order depends on its number alone."""
        name = self.ids[index]
        order = [
            nb.keyed_generator(nb.text_key(f"{name}|round {turn}")).permutation(len(self._pictures))
            for turn in range(self._rounds)
        ]
        return Stream(name, self._pictures, np.concatenate(order).astype(np.int64), self._batch)


@nb.dataset("stream", track="adapt", licence="that of the other sets")
def stream(
    *,
    of: Labelled,
    unknown: Labelled | None = None,
    share: Annotated[float, Gt(0), Le(0.99)] = 0.5,
    batch: Annotated[int, Ge(2), Le(65_536)] = 100,
    rounds: Annotated[int, Ge(1), Le(10_000)] = 1,
    streams: Annotated[int, Ge(1), Le(1000)] = 1,
) -> Streams:
    """Streams of labelled pictures, for some rounds, with pictures of unknown classes among them where asked for.

    of: a dataset of the track `classify`, whose classes a classifier knows. unknown: another one, of the same size,
    whose pictures are of classes that it does not know; as many of its first ones are taken as are the `share` of all.
    batch: pictures that come together. rounds: how often each picture comes, in an order of its own each time. streams:
    so many, in other orders.
    """
    known = _all_of(of)
    others: list[Any] = []
    if unknown is not None:
        count = round(share / (1 - share) * len(known))
        others = [replace(item, label=-1, annotated=0, classes=known[0].classes) for item in _all_of(unknown)[:count]]
        if len(others) < count:
            raise nb.UsageError(
                f"dataset stream: share={share:g} beside {len(known)} known pictures are {count} unknown ones, and "
                f"{unknown.display} has {len(others)}"
            )
    return Streams([*known, *others], streams, rounds, batch)


def _all_of(dataset: nb.Bound) -> list[Any]:
    opened = nb.open_dataset(dataset)
    if not opened.ids:
        raise nb.UsageError(f"dataset stream: {dataset.display} has no pictures")
    return [opened.load(index) for index in range(len(opened.ids))]
