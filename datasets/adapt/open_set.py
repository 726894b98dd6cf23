from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import noisebench as nb
from annotated_types import Gt, Lt
from noisebench.datasets.adapt._streams import Batch, Labelled, Many, Rounds, Streams, pictures_of

_UNKNOWN = -1


@nb.dataset("open_set", track="adapt", licence="that of the other sets")
def open_set(
    *,
    of: Labelled,
    unknown: Labelled,
    share: Annotated[float, Gt(0), Lt(1)] = 0.5,
    batch: Batch = 200,
    rounds: Rounds = 1,
    streams: Many = 1,
) -> Streams:
    """Streams with pictures among them whose classes a classifier does not know, for some rounds.

    of: a dataset of the track `classify`, of the classes that are known. unknown: another one, of pictures of the same
    size; as many of its first ones are taken as are the `share` of all. batch: pictures that come together. rounds: how
    often each picture comes, in an order of its own each time. streams: so many, in other orders.
    """
    known, others = pictures_of(of), pictures_of(unknown)
    count = round(share / (1 - share) * len(known))
    if not 0 < count <= len(others):
        raise nb.UsageError(
            f"dataset open_set: share={share:g} takes {count} pictures of {unknown.display}, which has {len(others)}: "
            "give another share, or more pictures"
        )
    others = others[:count]
    if known[0].picture.shape != others[0].picture.shape:
        raise nb.UsageError(
            f"dataset open_set: pictures of {unknown.display} are {others[0].picture.shape}, those of {of.display} "
            f"{known[0].picture.shape}: give sets of one size"
        )
    seen = {item.picture.tobytes() for item in known}
    if both := sum(item.picture.tobytes() in seen for item in others):
        raise nb.UsageError(
            f"dataset open_set: {both} of {count} pictures of {unknown.display} are in {of.display} too: give a set of "
            "other classes"
        )
    marked = [replace(item, label=_UNKNOWN, annotated=0, classes=known[0].classes) for item in others]
    return Streams([*known, *marked], batch, rounds, streams)
