from __future__ import annotations

import noisebench as nb
from noisebench.datasets.adapt._streams import Batch, Labelled, Many, Rounds, Streams, pictures_of


@nb.dataset("stream", track="adapt", licence="that of the other set")
def stream(*, of: Labelled, batch: Batch = 100, rounds: Rounds = 1, streams: Many = 1) -> Streams:
    """Streams of labelled pictures, all of classes that a classifier knows, for some rounds.

    of: a dataset of the track `classify`. batch: pictures that come together. rounds: how often each picture comes, in
    an order of its own each time. streams: so many, in other orders.
    """
    return Streams(pictures_of(of), batch, rounds, streams)
