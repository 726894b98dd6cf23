"""Track `generate`: a batch of keyed latents in, pictures out, compared with a reference set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...text.errors import NotDefined
from ...track.outputs import ArrayFiles
from ...track.protocols import (
    Batches,
    Case,
    Collector,
    Dataset,
    Defaults,
    Finding,
    Words,
    add_track,
    checked_declarations,
)

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .items import LatentBatch, TrainingPicture
    from .sampler import Drawn, Sampler

_DECLARED: Mapping[str, Mapping[str, Any]] = {
    "regime": {"title": ""},
    "metric": {"set": False, "denoises": False},
}
"""`denoises`: the metric is of a model on noisy training pictures, and not of samples."""


class SampleFiles(ArrayFiles):
    """Samples as `.npz`: float32 (N, C, H, W), and how often a model was asked for each of them."""

    suffix = ".npz"

    def digest(self, output: Drawn) -> str:
        """SHA-256 of the samples and of the number."""
        return hashlib.sha256(f"{super().digest(output['samples'])} {output['evaluations']}".encode()).hexdigest()

    def check(self, output: Any, wanted: Any) -> None:
        """Raise ValueError for another type, another shape than `wanted`, NaN or Inf."""
        if not isinstance(output, dict) or output.keys() != {"samples", "evaluations"}:
            raise ValueError("samples and evaluations were due")
        often = output["evaluations"]
        if often is not None and not (isinstance(often, float) and 0 < often < 1e12):
            raise ValueError("evaluations that are no number above 0")
        super().check(output["samples"], wanted)

    def save(self, output: Drawn, file: Path) -> None:
        """Keep samples. Raises OSError."""
        import numpy as np

        often = output["evaluations"]
        np.savez(file, samples=output["samples"], evaluations=np.array([] if often is None else [often]))

    def load(self, file: Path, wanted: Any = None) -> Drawn:
        """The samples again. Raises OSError, and ValueError for a damaged file, or another shape than `wanted`."""
        import zipfile

        import numpy as np

        try:
            with np.load(file, allow_pickle=False) as held:
                samples, often = held["samples"], held["evaluations"]
        except (EOFError, KeyError, zipfile.BadZipFile, AttributeError, TypeError):
            raise ValueError("no samples") from None
        made: Drawn = {"samples": samples, "evaluations": float(often[0]) if often.size else None}
        self.check(made, wanted)
        return made

    def panel(self, item: LatentBatch, case: Case, output: Drawn) -> Mapping[str, bytes] | None:
        """The first samples of a batch side by side, beside pictures of the reference."""
        from .drawing import draw_samples

        return draw_samples(item, output["samples"])


class Generate:
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
    preload: tuple[str, ...] = ("numpy", "torch", "noisebench.tracks.generate.latents")
    outputs: OutputFiles = SampleFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name unknown here."""
        return checked_declarations(kind, declared, _DECLARED)

    def identify(self, item: LatentBatch | TrainingPicture) -> str:
        """Id, and the hash of all that it holds, on one line. Raises `UsageError` for what is no item."""
        from .items import item_line

        return item_line(item)

    def pose(self, regime: Bound, item: LatentBatch | TrainingPicture, seed: int, draw: int = 0) -> Case:
        """Latents, keyed by the id of their batch, seed and draw, under the regime; or a picture with its noise."""
        from .items import LatentBatch
        from .latents import pose_batch, pose_picture

        return pose_batch(regime, item, seed, draw) if isinstance(item, LatentBatch) else pose_picture(item)

    def open(self, method: Bound) -> Sampler:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .sampler import open_method

        return open_method(method)

    def score(
        self, output: Drawn, item: LatentBatch | TrainingPicture, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric; `NotDefined` where a metric has no value."""
        from .items import LatentBatch
        from .scored import batch_of

        batch = batch_of(output, item, protocol) if isinstance(item, LatentBatch) else None
        scores: dict[str, float] = {}
        for metric in metrics:
            value: float
            if metric.entry.meta["denoises"] is (batch is not None):
                value = NotDefined("is of samples" if batch is None else "is of noisy training pictures")
            elif batch is not None:
                value = metric_value(metric, batch)
            else:
                value = metric_value(metric, read_only(output["samples"]), item, case.info.sigma)
            scores[metric.display] = value
        return scores

    def probe(self, size: tuple[int, ...]) -> LatentBatch:
        """16 latents of grey pictures of `size` (H, W), or of such as (H, W, 3), for costs."""
        import numpy as np

        from .items import LatentBatch, Reference

        height, width, channels = (*size, 1)[:3]
        return LatentBatch("cost", 16, Reference(np.zeros((2, channels, height, width), np.float32)))

    # Below: what a track may have. See the protocols of `track.py` and of `report/sections.py`.

    def channels(self, item: LatentBatch | TrainingPicture) -> int:
        """How many channels the pictures have."""
        from .items import LatentBatch

        return int((item.shape if isinstance(item, LatentBatch) else item.picture.shape)[0])

    def batches(
        self,
        dataset: Dataset,
        chosen: Sequence[int],
        regime: Bound,
        order: Callable[[int], Sequence[int]],
        *,
        crop: int,
        seed: int,
        fixed: bool = False,
    ) -> Batches:
        """Training pictures with their labels; the noise is the objective's: see `tracks/generate/batches.py`."""
        from .batches import PictureBatches

        return PictureBatches(dataset, chosen, order)

    def truth_sha256(self, item: LatentBatch | TrainingPicture) -> str:
        """The hash of a training picture's values."""
        from .items import picture_sha256

        return picture_sha256(item)

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of a set metric goes into a key, and its blank `SetPart`. Raises `UsageError` for what is missing."""
        from .set_metrics import plan_set

        return plan_set(metric)

    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector:
        """What takes the features of samples for the planned set metrics of a cell."""
        from .set_metrics import SampleCollector

        return SampleCollector(sets, folder, protocol=protocol, taken=taken)

    def examine(self, method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]:
        """Try a sampler or a model on tiny pictures: see `tracks/generate/doctor.py`."""
        from .doctor import examine

        return examine(method, before, regime)

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """The samples of each method, from the same latents: see `tracks/generate/report.py`."""
        from ...report.plots.side_by_side import tile_panels
        from .report import SAMPLES

        return tile_panels(boards, most, notes, sheet, SAMPLES)


TRACK = add_track(Generate())
