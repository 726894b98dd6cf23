"""Track `adapt`: a stream of pictures in, batch after batch, their classes out, by what may learn on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import read_only
from ...components.keyed_noise import noise_key
from ...components.registry import Bound
from ...components.tracks import get_track
from ...track.defaults import Defaults
from ...track.info import Info
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ...track.words import Words
from ..pictures.picture_track import PictureTrack

if TYPE_CHECKING:
    from ...imaging.pixels import Array
    from .stream import Stream

_PICTURES = "classify"
"""The track whose items come in a stream."""


class StreamLogits(ArrayFiles):
    """Logits (N, K), or with those of the source behind them (N, 2 K), as `.npy`."""

    def due(self, output: Any, wanted: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """`wanted` (N, K), or (N, 2 K) where that is there."""
        if wanted is None:
            return None
        longer = (wanted[0], 2 * wanted[1])
        return longer if getattr(output, "shape", ()) == longer else wanted


class Adapt(PictureTrack):
    """Items are streams of labelled pictures, a regime makes each noisy, a method gives logits batch after batch."""

    name = "adapt"
    version = 1
    words = Words(
        item="stream",
        items="streams",
        given="noisy pictures",
        output="logits",
        truth="labels",
        level="noise level",
    )
    defaults = Defaults(
        protocol="softmax",
        metrics=("accuracy",),
        rank_by="accuracy",
        dataset="stream(of=digits)",
        regime="gaussian(sigma=50)",
        size=(28, 28),
        channels=True,
    )
    preload = ("numpy", "noisebench.tracks.adapt.adapter")
    outputs = StreamLogits()
    holds = _PICTURES
    declared: Mapping[str, Mapping[str, Any]] = {"method": {"layout": "tensor", "shows_source": False}}
    """`shows_source`: the method gives logits and behind them those of the classifier before it learned."""

    open = LazyPart("adapter.Adapter")
    panels = LazyPart("report.panels")

    def identify(self, item: Stream) -> str:
        """Id, the hash of all pictures with their labels and order, and the group, on one line. Raises `UsageError`."""
        from .stream import checked

        stream, track = checked(item), get_track(_PICTURES)
        sha = hashlib.sha256("\n".join(track.identify(one) for one in stream.pictures).encode())
        sha.update(stream.order.astype("<i8").tobytes())
        group = f" group {stream.group!r}" if stream.group else ""
        return f"{stream.id!r} {sha.hexdigest()} {stream.batch}{group}"

    def pose(self, regime: Bound, item: Stream, seed: int, draw: int = 0) -> Case:
        """The pictures under the regime, each as in the track `classify`; no level is disclosed."""
        import numpy as np

        from .stream import Arrivals, checked

        stream, track = checked(item), get_track(_PICTURES)
        cases = [track.pose(regime, one, seed, draw) for one in stream.pictures]
        given = Arrivals(np.stack([case.given for case in cases]), stream.order.astype(np.int64), stream.batch)
        sha = hashlib.sha256("".join(case.input_sha256 for case in cases).encode())
        sha.update(given.order.astype("<i8").tobytes() + str(stream.batch).encode())
        classes = len(stream.pictures[0].classes)
        info = Info({"classes": classes, "batch": stream.batch}, noise_key(regime, seed, sha.hexdigest(), draw))
        return Case(given, info, sha.hexdigest(), (len(given.order), classes))

    def metric_arguments(self, output: Any, item: Stream, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """Log-probabilities as the protocol makes them of logits, the labels, and those of the source or None."""
        classes = case.wanted[1]
        adapted = protocol.entry.obj(output[:, :classes], **protocol.kwargs)
        source = protocol.entry.obj(output[:, classes:], **protocol.kwargs) if output.shape[1] > classes else None
        return read_only(adapted), read_only(item.labels), read_only(source)

    def probe(self, size: tuple[int, ...]) -> Stream:
        """Two batches of 32 of a fixed picture of `size`, as the track `classify` has it, for costs."""
        import numpy as np

        from .stream import Stream

        return Stream("cost", [get_track(_PICTURES).probe(size)], np.zeros(64, np.int64), 32)

    def items_in(self, item: Stream) -> Sequence[Any]:
        """Its pictures."""
        return item.pictures

    def picture_of(self, item: Stream) -> Array:
        """The first picture: all have as many channels."""
        picture: Array = item.pictures[0].picture
        return picture


TRACK = add_track(Adapt())
