"""Track `restore`: picture in, picture out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound, Entry
from ...text.errors import one_line
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.preloading import torch_where_used
from ...track.track_protocol import add_track
from ..pictures.picture_track import PICTURE_WORDS, PictureTrack

if TYPE_CHECKING:
    from ...imaging.pixels import Array
    from ...imaging.sample import Sample
    from ...imaging.validation import Range
    from ..pictures.alike import Sketch
    from ..pictures.near_pictures import PictureSketch

_OUTSIDE = "was given values outside [0, 1]: a network made for files of 8 bit needs downsample(…, bits=8)"


def _is_range(peak: Any) -> bool:
    """Whether a declared peak is a number that values can go up to."""
    return isinstance(peak, Real) and 0 < float(peak) < math.inf


class PictureFiles(ArrayFiles):
    """Restored pictures as `.npy` float32 (H, W, C), and PNGs of them to look at."""

    panel = LazyPart("crops.panel_of")

    def preview(self, store: Path, folder: Path, index: int, item: Sample, case: Case, output: Array) -> None:
        """8-bit PNGs of the clean, noisy and restored picture, for the page."""
        from .crops import leave_view

        leave_view(store, folder, index, item, case.given, output)


class Restore(PictureTrack):
    """Items are pictures, a regime makes them noisy or degrades them otherwise, a method gives a picture."""

    name = "restore"
    version = 1
    words = replace(PICTURE_WORDS, given="noisy input", output="restored picture", truth="clean picture")
    defaults = Defaults(
        protocol="uint8",
        metrics=("psnr", "ssim"),
        rank_by="psnr",
        dataset="photos",
        regime="gaussian(sigma=25)",
        size=(256, 256),
        channels=True,
    )
    preload = (
        "cv2",
        "noisebench.tracks.restore.degrade",
        "noisebench.tracks.restore.restorer",
        "noisebench.tracks.restore.scoring",
        "noisebench.tracks.restore.metrics.psnr",
        "noisebench.tracks.restore.metrics.ssim",
    )
    outputs = PictureFiles()
    never_exact = True
    declared: Mapping[str, Mapping[str, Any]] = {
        "method": {"layout": "tensor", "enhances": False},
        "regime": {"keeps": (), "adds_up": {}, "cuts": (), "planes": (), "title": ""},
        "metric": {"residual": False, "missing": False, "set": False},
        "protocol": {"peak": 1.0, "bits": None, "keeps": None, "own_range": False},
    }
    """`own_range`: a protocol whose data range is that of each picture, see `own_range.py`."""
    split_metric = "mse"
    """The metric whose mean is split over draws of the noise: it must be scored."""

    identify = LazyPart("fingerprint.sample_line")
    truth_sha256 = LazyPart("fingerprint.clean_sha256")
    copied = LazyPart("near_copies.why_copied")
    open = LazyPart("restorer.Restorer")
    batches = LazyPart("batches.CropBatches")
    plan_set = LazyPart("set_metrics.definition.plan_set")
    collector = LazyPart("set_metrics.collector.planned_collector")
    examine = LazyPart("doctor.examine")
    score_folders = LazyPart("folder_scoring.score_folders")
    has_manifest = LazyPart("named_sets.has_manifest")
    fetch_set = LazyPart("named_sets.fetch_set")
    manifest_of = LazyPart("named_sets.manifest_of")
    explain_pairs = LazyPart("conventions.explain_files")
    explain_noise = LazyPart("forensics.explain_noise")
    answer_files = "`item-0001.npy` or `item-0001.png`"
    sealed_arrays = LazyPart("challenge.sealed_arrays")
    unsealed = LazyPart("challenge.unsealed")
    read_output_file = LazyPart("challenge.read_output_file")
    aggregations = LazyPart("aggregations.aggregations")
    panels = LazyPart("report.panels.panels")
    changed_panels = LazyPart("report.changed.changed_panels")
    draws = LazyPart("report.draws.draws_section")

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """As every track of pictures; `bits` is 8 or None, and `peak` a finite number above 0."""
        complete = super().declare(kind, declared)
        if complete.get("bits") not in (None, 8):
            raise ValueError(f"bits must be 8 or None, not {complete['bits']!r}")
        if complete.get("bits") == 8 and "peak" not in declared:
            complete["peak"] = 255.0
        if "peak" in complete and not _is_range(complete["peak"]):
            raise ValueError(f"peak must be a finite number above 0, not {one_line(repr(complete['peak']), 60)}")
        return complete

    def largest_crop(self, item: Sample) -> int:
        """The shorter side of a picture."""
        height, width = item.clean.shape[:2]
        return int(min(height, width))

    def pose(self, regime: Bound, item: Sample, seed: int, draw: int = 0) -> Case:
        """The noisy picture, float32 (H', W', C), what is disclosed, and the shape (H, W, C) of the wanted one."""
        from ...imaging.pixels import as_hwc, bytes_sha256
        from .degrade import degrade_sample

        noisy, info = degrade_sample(regime, item, seed, draw)
        # Noise leaves [0, 1] by design; of a picture that is only small a network may expect a file of 8 bit.
        outside = "scale" in info and (noisy.min() < 0 or noisy.max() > 1)
        return Case(noisy, info, bytes_sha256(noisy), as_hwc(item.clean).shape, _OUTSIDE if outside else "")

    def score(
        self, output: Array, item: Sample, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric; `NotDefined` where a metric has no value."""
        from .scoring import score_pair

        return score_pair(output, item.clean, protocol, metrics, case.given, mask=case.info.mask)

    def probe(self, size: tuple[int, ...]) -> Sample:
        """A fixed picture of `size` (H, W), which is grey, or such as (H, W, 3), for costs."""
        from ...imaging.sample import Sample
        from .probe import test_picture

        return Sample("cost", test_picture(*size))

    def lacks_file(self, entry: Entry) -> str:
        """The file of weights that a metric needs and that is not here, empty where there is none."""
        from .metric_files import lacking_file

        return lacking_file(entry)

    def fetch_files(self, metric: Bound) -> str:
        """Download the weights of a metric, and say what it is made with. Raises `UsageError`."""
        from .metric_files import fetch_files

        return fetch_files(metric)

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a method takes tensors, a metric is a network, or a plug-in has imported it."""
        return torch_where_used(components, ("set", "describe"))

    def rescaled(self, item: Sample, range: Range) -> Sample:
        """The item with its float pictures brought from `range` to [0, 1]. Raises `UsageError`."""
        from ...imaging.validation import as_picture, mapped

        noisy = item.noisy if item.noisy is None else mapped(as_picture(item.noisy, "noisy"), range, "noisy")
        return replace(item, clean=mapped(as_picture(item.clean, "clean"), range, "clean"), noisy=noisy)

    def picture_of(self, item: Sample) -> Array:
        """The clean picture as the dataset has it."""
        return item.clean

    def sketch(self, item: Sample) -> Sketch:
        """What is compared to see whether pictures are independent: see `tracks/pictures/alike.py`."""
        from ..pictures.alike import sketch

        return sketch(item.clean)

    def alike(self, sketches: Sequence[Sketch]) -> tuple[list[list[int]], list[tuple[int, int]]]:
        """Places of equal pictures, and pairs of places that show parts of one another."""
        from ..pictures.alike import alike

        return alike(sketches)

    def truth_sketch(self, item: Sample) -> PictureSketch | None:
        """As every track of pictures; None where the noisy picture stands for the truth: a training is told none."""
        import numpy as np

        same = item.noisy is not None and np.array_equal(item.noisy, item.clean)
        return None if same else super().truth_sketch(item)


TRACK = add_track(Restore())
