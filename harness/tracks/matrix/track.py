"""Track `matrix`: noisy measurements of a low-rank matrix in, the matrix out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.keyed_noise import text_key
from ...components.registry import Bound
from ...text.errors import NotDefined
from ...track.default_track import DefaultTrack
from ...track.defaults import Defaults
from ...track.lazy_part import LazyPart
from ...track.outputs import ArrayFiles
from ...track.posed_case import Case
from ...track.track_protocol import add_track
from ...track.words import Words

if TYPE_CHECKING:
    from .items import Measured
    from .operators import Floats

_NOTHING = "no entry counts: all known ones are measured"


class MatrixFiles(ArrayFiles):
    """Matrices as `.npy`, float64 (p, q); shown are the true one, what was measured, the recovered one, its error."""

    dtype = "<f8"
    panel = LazyPart("drawing.draw_recovery")


class MatrixTrack(DefaultTrack):
    """Items are matrices of low rank that are measured, a regime makes the measurements noisy, a method recovers."""

    name = "matrix"
    version = 1
    words = Words(
        item="matrix",
        items="matrices",
        given="noisy measurements",
        output="recovered matrix",
        truth="true matrix",
        level="noise level",
    )
    defaults = Defaults(
        protocol="whole",
        metrics=("relative_error", "numerical_rank", "outlier_recall"),
        rank_by="relative_error",
        dataset="gaussian_psd",
        regime="outliers(share=0.2, scale=10)",
        size=(20, 20),
    )
    preload = ("numpy", "scipy.linalg", "noisebench.tracks.matrix.posing", "noisebench.tracks.matrix.recoverer")
    outputs = MatrixFiles()
    declared: Mapping[str, Mapping[str, Any]] = {"regime": {"title": "", "gross": False}}
    """`gross`: what the regime changes counts as corrupted, and is looked for among the residuals."""

    pose = LazyPart("posing.pose_matrix")
    copied = LazyPart("near_copies.why_copied")
    open = LazyPart("recoverer.Recoverer")
    panels = LazyPart("report.panels")

    def identify(self, item: Measured) -> str:
        """Id, and the hash of the matrix and of all that is measured and told of it, on one line."""
        from .posing import values_sha256

        text = f"{item.psd} {item.rank} {item.peak} {values_sha256(item)}"
        return f"{item.id!r} {hashlib.sha256(text.encode()).hexdigest()}"

    def score(
        self, output: Floats, item: Measured, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric: of the entries that the protocol counts, of those that are known."""
        import numpy as np

        from .posing import PosedMatrix
        from .scored import Recovery

        assert isinstance(case, PosedMatrix)
        counted = protocol.entry.obj(item, case.given.operator, **protocol.kwargs) & np.isfinite(item.truth)
        recovery = Recovery(read_only(output), item, read_only(counted), case.given, read_only(case.corrupted))
        scores: dict[str, float] = {}
        for metric in metrics:
            scores[metric.display] = metric_value(metric, recovery) if counted.any() else NotDefined(_NOTHING)
        return scores

    def probe(self, size: tuple[int, ...]) -> Measured:
        """A positive semidefinite matrix of rank 2 and of `size` (d, d), or another of (p, q), for costs.

        Measured by 15 numbers a row and column of a factor, by Gaussian matrices; its rank is told.
        """
        import numpy as np

        from .items import as_measured
        from .operators import Sensing

        height, width = size
        psd = height == width
        columns, rows = (np.cos(np.outer(np.arange(n) + 1.0, (1.0, 2.0))) for n in (height, width))
        count = 15 * (height if psd else height + width)
        operator = Sensing(text_key("cost"), count, (height, width), psd)
        return as_measured("cost", columns @ (columns if psd else rows).T, operator, psd=psd, rank=2)


TRACK = add_track(MatrixTrack())
