"""Track `generate`: a batch of keyed latents in, pictures out, compared with a reference set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.track_protocol import add_track
from ...track.words import Words
from .sample_files import SampleFiles

if TYPE_CHECKING:
    from .items import LatentBatch, TrainingPicture


class Generate(DefaultTrack):
    """Items are batches of latents, a regime changes these, a method makes pictures of them."""

    name = "generate"
    version = 1
    words = Words(
        item="batch",
        items="batches",
        given="latents",
        output="samples",
        truth="reference set",
        level="change of the latents",
    )
    defaults = Defaults(
        protocol="as_is",
        metrics=("energy_distance", "kid", "nfe"),
        rank_by="energy_distance",
        dataset="mixture_digits",
        regime="none",
        size=(8, 8),
        validated_by="denoising_error",
        channels=True,
    )
    preload = ("numpy", "torch", "noisebench.tracks.generate.latents")
    outputs = SampleFiles()
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": ""}, "metric": {"set": False, "denoises": False}}
    """`denoises`: the metric is of a model on noisy training pictures, and not of samples."""

    identify = LazyPart("items.item_line")
    pose = LazyPart("latents.pose")
    open = LazyPart("sampler.open_method")
    score = LazyPart("scored.score_output")
    copied = LazyPart("copied_samples.why_copied")
    one_copy_is_enough = True
    truth_sha256 = LazyPart("items.picture_sha256")
    batches = LazyPart("batches.PictureBatches")
    plan_set = LazyPart("set_metrics.plan_set")
    collector = LazyPart("set_metrics.SampleCollector")
    examine = LazyPart("doctor.examine")
    panels = LazyPart("report.panels")

    def probe(self, size: tuple[int, ...]) -> LatentBatch:
        """16 latents of grey pictures of `size` (H, W), or of such as (H, W, 3), for costs."""
        import numpy as np

        from .items import LatentBatch, Reference

        height, width, channels = (*size, 1)[:3]
        return LatentBatch("cost", 16, Reference(np.zeros((2, channels, height, width), np.float32)))

    def channels(self, item: LatentBatch | TrainingPicture) -> int:
        """How many channels the pictures have."""
        from .items import LatentBatch

        return int((item.shape if isinstance(item, LatentBatch) else item.picture.shape)[0])


TRACK = add_track(Generate())
