"""Track `classify`: a labelled picture under noise in, logits of its class out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ..pictures.picture_track import PICTURE_WORDS, PictureTrack
from .logit_files import LogitFiles

if TYPE_CHECKING:
    from .labelled_picture import LabelledPicture


class Classify(PictureTrack):
    """Items are labelled pictures, a regime makes them noisy, a method gives logits of the classes."""

    name = "classify"
    version = 1
    words = replace(PICTURE_WORDS, output="logits", truth="label")
    defaults = Defaults(
        protocol="softmax",
        metrics=("accuracy", "nll"),
        rank_by="accuracy",
        dataset="digits",
        regime="none",
        size=(28, 28),
        channels=True,
    )
    preload = ("numpy", "noisebench.tracks.classify.degrade", "noisebench.tracks.classify.classifier")
    outputs = LogitFiles()
    declared: Mapping[str, Mapping[str, Any]] = {
        "method": {"layout": "tensor", "certifies": False, "explains": False},
        "metric": {"radius": False, "maps": False, "set": False},
    }
    """`certifies`: the method gives logits and behind them a certified radius; a metric with `radius` is given it.

    `explains`: it gives logits and saliency maps; a metric with `maps` is given an `Explanation`. `set`: a metric is of
    all pictures together, see `set_metrics.py`.
    """

    open = LazyPart("classifier.Classifier")
    attacked = LazyPart("white_box.attacked_cases")
    attacked_together = LazyPart("white_box.attacked_together")
    score = LazyPart("scoring.score_logits")
    truth_sha256 = LazyPart("labelled_picture.values_sha256")
    batches = LazyPart("batches.LabelBatches")
    plan_set = LazyPart("set_metrics.plan_set")
    collector = LazyPart("set_metrics.AnswerCollector")
    sections = LazyPart("corruption_error.corruption_sections")
    panels = LazyPart("report.panels")
    answer_files = "`item-0001.npy`, or all as lines of one CSV"
    sealed_arrays = LazyPart("challenge.sealed_arrays")
    unsealed = LazyPart("challenge.unsealed")
    read_output_file = LazyPart("challenge.read_output_file")
    answer_classes = LazyPart("challenge.answer_classes")
    read_answers = LazyPart("challenge.read_answers")

    def identify(self, item: LabelledPicture) -> str:
        """Id, values, labels, classes, group and regions, on one line.

        Raises `UsageError` for what is no labelled picture.
        """
        from .labelled_picture import regions_sha256, values_sha256

        classes = hashlib.sha256(repr(tuple(item.classes)).encode()).hexdigest()[:16]
        group = f" group {item.group!r}" if item.group else ""
        regions = "" if item.regions is None else f" regions {regions_sha256(item)}"
        return f"{item.id!r} {values_sha256(item)} {item.label} {item.given_label} {classes}{group}{regions}"

    def pose(self, regime: Bound, item: LabelledPicture, seed: int, draw: int = 0) -> Case:
        """The picture under the regime, float32 (H, W, C), what is disclosed, and the shape (K,) of logits.

        An attack in the regime is left to `attacked`, for it needs the method.
        """
        from ...imaging.pixels import bytes_sha256
        from .degrade import degrade_labelled
        from .white_box import apart

        given, info = degrade_labelled(apart(regime)[0], item, seed, draw)
        return Case(given, info, bytes_sha256(given), (len(item.classes),))

    def probe(self, size: tuple[int, ...]) -> LabelledPicture:
        """A fixed picture of `size` (H, W), which is grey, or such as (H, W, 3), of ten classes, for costs."""
        import numpy as np

        from .labelled_picture import LabelledPicture

        ramp = np.linspace(0, 1, math.prod(size), dtype=np.float32).reshape(size)
        return LabelledPicture("cost", ramp, 0, tuple("0123456789"))


TRACK = add_track(Classify())
