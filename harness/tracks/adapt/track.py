"""Track `adapt`: a stream of pictures in, batch after batch, their classes out, by what may learn on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.keyed_noise import noise_key
from ...components.registry import Bound
from ...components.tracks import get_track
from ...store.outputs import OutputFiles
from ...track.info import Info
from ...track.outputs import ArrayFiles
from ...track.protocols import (
    Case,
    Defaults,
    HasChannels,
    Words,
    add_track,
    checked_declarations,
    refuse_unknown_layout,
    torch_where_used,
)

if TYPE_CHECKING:
    from .adapter import Adapter
    from .stream import Stream

_DECLARED: Mapping[str, Mapping[str, Any]] = {"method": {"layout": "tensor", "shows_source": False}}
"""`shows_source`: the method gives logits and behind them those of the classifier before it learned."""
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


class Adapt:
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
    preload: tuple[str, ...] = ("numpy", "noisebench.tracks.adapt.adapter")
    outputs: OutputFiles = StreamLogits()
    borrows: Mapping[str, str] = {"regime": "restore"}
    """The track whose components of a kind serve here too."""

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name, ValueError for a value unknown here."""
        made = checked_declarations(kind, declared, _DECLARED)
        refuse_unknown_layout(made)
        return made

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

    def open(self, method: Bound) -> Adapter:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .adapter import Adapter

        return Adapter(method)

    def score(
        self, output: Any, item: Stream, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric, of log-probabilities as the protocol makes them of logits."""
        classes = case.wanted[1]
        said = protocol.entry.obj(output[:, :classes], **protocol.kwargs)
        before = protocol.entry.obj(output[:, classes:], **protocol.kwargs) if output.shape[1] > classes else None
        given = [read_only(one) for one in (said, item.labels, before)]
        return {metric.display: metric_value(metric, *given) for metric in metrics}

    def probe(self, size: tuple[int, ...]) -> Stream:
        """Two batches of 32 of a fixed picture of `size`, as the track `classify` has it, for costs."""
        import numpy as np

        from .stream import Stream

        return Stream("cost", [get_track(_PICTURES).probe(size)], np.zeros(64, np.int64), 32)

    # Below: what a track may have. See the protocols of `track.py`.

    def channels(self, item: Stream) -> int:
        """How many channels the first picture has: all have as many."""
        track = get_track(_PICTURES)
        assert isinstance(track, HasChannels)
        return track.channels(item.pictures[0])

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a method takes tensors, or a plug-in has imported it."""
        return torch_where_used(components)


TRACK = add_track(Adapt())
