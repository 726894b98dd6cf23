from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import MinLen
from noisebench.datasets.adapt._streams import Batch, Labelled, Many, Rounds, pictures_of
from noisebench.tracks.adapt import Stream


class ChangingStreams:
    """So many streams of the same pictures under one regime after the other, each in an order of its own."""

    def __init__(self, pictures: list[Any], regimes: int, batch: int, rounds: int, streams: int) -> None:
        self._pictures, self._regimes, self._batch, self._rounds = pictures, regimes, batch, rounds
        self.ids = [f"changing_{number:03d}" for number in range(streams)]

    def load(self, index: int) -> Stream:
        """Stream `index`; its order depends on its number alone."""
        name, count = self.ids[index], len(self._pictures) // self._regimes
        order = [
            nb.keyed_generator(nb.text_key(f"{name}|round {turn}|regime {place}")).permutation(count) + place * count
            for turn in range(self._rounds)
            for place in range(self._regimes)
        ]
        return Stream(name, self._pictures, np.concatenate(order).astype(np.int64), self._batch)


@nb.dataset("changing", track="adapt", licence="that of the other set")
def changing(
    *,
    of: Labelled,
    regimes: Annotated[Any, nb.Nested("regime", track="classify", many=True), MinLen(1)],
    batch: Batch = 100,
    rounds: Rounds = 1,
    streams: Many = 1,
) -> ChangingStreams:
    """Streams whose corruption changes: all pictures under one regime, then all under the next, for some rounds.

    of: a dataset of the track `classify`. regimes: as of that track, in their order, such as `corruption(kind=fog)`;
    each has one draw of a picture, and values are cut to [0, 1]. Judge such streams under the regime `none`. batch:
    pictures that come together; where it does not divide the pictures, a batch has some of the next regime. rounds: how
    often all of it comes. streams: so many, in other orders.
    """
    track, clean = nb.get_track("classify"), pictures_of(of)
    pictures = []
    for regime in regimes:
        for item in clean:
            given = np.clip(track.pose(regime, item, 0).given, 0, 1).astype(np.float32)
            given = given.reshape(np.asarray(item.picture).shape)
            pictures.append(replace(item, id=f"{item.id}_{regime.display}", picture=given))
    return ChangingStreams(pictures, len(regimes), batch, rounds, streams)
