"""Track `segment`: a picture under noise in, logits of the class of each pixel out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...components.calls import read_only
from ...components.registry import Bound
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ..pictures.picture_track import PICTURE_WORDS, PictureTrack

if TYPE_CHECKING:
    from .mapped_picture import MappedPicture


class MapFiles(ArrayFiles):
    """Logits (K, H, W) as `.npy`; shown are the picture, the true map and the one that was found."""

    panel = LazyPart("drawing.draw_maps")


class Segment(PictureTrack):
    """Items are pictures with a label map, a regime makes the picture noisy, a method gives logits of each pixel."""

    name = "segment"
    version = 1
    words = replace(PICTURE_WORDS, output="logits", truth="label map")
    defaults = Defaults(
        protocol="argmax",
        metrics=("dice", "iou"),
        rank_by="dice",
        dataset="ellipses",
        regime="none",
        size=(48, 48),
        channels=True,
    )
    preload = ("numpy", "noisebench.tracks.segment.degrade", "noisebench.tracks.segment.segmenter")
    outputs = MapFiles()
    declared: Mapping[str, Mapping[str, Any]] = {"method": {"layout": "tensor"}, "metric": {"set": False}}

    open = LazyPart("segmenter.Segmenter")
    truth_sha256 = LazyPart("mapped_picture.values_sha256")
    batches = LazyPart("batches.MapBatches")
    plan_set = LazyPart("set_metrics.plan_set")
    collector = LazyPart("set_metrics.ConfusionCollector")
    panels = LazyPart("report.panels")
    answer_files = "`item-0001.npy`, or the places of classes as `item-0001.png`"
    sealed_arrays = LazyPart("challenge.sealed_arrays")
    unsealed = LazyPart("challenge.unsealed")
    read_output_file = LazyPart("challenge.read_output_file")
    answer_classes = LazyPart("challenge.answer_classes")

    def identify(self, item: MappedPicture) -> str:
        """Id, values, maps, classes and group, on one line. Raises `UsageError` for what is no picture with its map."""
        from .mapped_picture import map_sha256, values_sha256

        classes = hashlib.sha256(repr((tuple(item.classes), item.background)).encode()).hexdigest()[:16]
        annotated = "" if item.annotated is None else f" annotated {map_sha256(item.annotated)}"
        group = f" group {item.group!r}" if item.group else ""
        return f"{item.id!r} {values_sha256(item)} {map_sha256(item.labels)}{annotated} {classes}{group}"

    def largest_crop(self, item: MappedPicture) -> int:
        """The shorter side of a picture."""
        height, width = item.labels.shape
        return int(min(height, width))

    def pose(self, regime: Bound, item: MappedPicture, seed: int, draw: int = 0) -> Case:
        """The picture under the regime, float32 (H, W, C), what is disclosed, and the shape (K, H, W) of logits."""
        from ...imaging.pixels import bytes_sha256
        from .degrade import degrade_mapped

        given, info = degrade_mapped(regime, item, seed, draw)
        return Case(given, info, bytes_sha256(given), (len(item.classes), *given.shape[:2]))

    def metric_arguments(self, output: Any, item: MappedPicture, case: Case, protocol: Bound) -> tuple[Any, ...]:
        """The label map that the protocol makes of logits, beside the true one."""
        from .maps import Maps

        segmented = protocol.entry.obj(output, **protocol.kwargs)
        truth = item.labels.astype("int64")
        return (Maps(read_only(segmented), read_only(truth), len(item.classes), item.background),)

    def probe(self, size: tuple[int, ...]) -> MappedPicture:
        """A fixed picture of `size` (H, W), which is grey, or such as (H, W, 3), for costs.

        The brighter half of it is of a second class.
        """
        import numpy as np

        from .mapped_picture import MappedPicture

        ramp = np.linspace(0, 1, math.prod(size), dtype=np.float32).reshape(size)
        labels = (ramp.reshape(*size[:2], -1)[:, :, 0] > 0.5).astype(np.int64)
        return MappedPicture("cost", ramp, labels, ("background", "object"), 0)


TRACK = add_track(Segment())
