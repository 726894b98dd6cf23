"""Track `text`: a passage under typos in, what each next character may be out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.preloading import torch_where_used
from ...track.track_protocol import add_track
from ...track.words import Words

if TYPE_CHECKING:
    from .passage import Passage


class Text(DefaultTrack):
    """Items are passages, a regime types them with mistakes, a method says what each next character may be."""

    name = "text"
    version = 1
    words = Words(
        item="passage",
        items="passages",
        given="typed passage",
        output="predictions",
        truth="true passage",
        level="rate of typos",
    )
    defaults = Defaults(
        protocol="softmax",
        metrics=("nats", "accuracy"),
        rank_by="nats",
        dataset="word_chain",
        regime="none",
        size=(64,),
    )
    preload = ("numpy", "noisebench.tracks.text.posing", "noisebench.tracks.text.predictor")
    outputs = ArrayFiles()
    never_exact = True
    sketches = "passages"
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}}

    pose = LazyPart("posing.pose_passage")
    open = LazyPart("predictor.Predictor")
    batches = LazyPart("batches.TextBatches")
    truth_sha256 = LazyPart("passage.text_sha256")
    copied = LazyPart("near_copies.why_copied")
    truth_sketch = LazyPart("near_passages.passage_sketch")
    shown = LazyPart("near_passages.shown")

    def identify(self, item: Passage) -> str:
        """Id, and the hash of passage, alphabet and law, on one line."""
        from .passage import item_sha256

        return f"{item.id!r} {item_sha256(item)}"

    def metric_arguments(self, output: Any, item: Passage, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """What is said of each character that comes after a typed one."""
        from .scored import score_characters

        return (score_characters(protocol.entry.obj(output, **protocol.kwargs), item, case),)

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a network is trained or used, or a plug-in has imported it."""
        objects = [entry.obj for bound in components for entry in bound.entries]
        used = any(getattr(one, "trained", False) for one in objects)
        return ("torch",) if used else torch_where_used(())

    def probe(self, size: tuple[int, ...]) -> Passage:
        """A passage of `size` (N,) characters and one more, which repeats the alphabet of `word_chain`, for costs.

        A method that was trained on another alphabet is skipped there.
        """
        from .passage import as_passage

        (count,) = size
        alphabet = " abdefgiklmnoprstuvz"
        return as_passage("cost", (alphabet * (count // len(alphabet) + 1))[: count + 1], alphabet)


TRACK = add_track(Text())
