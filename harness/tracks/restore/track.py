"""Track `restore`: picture in, picture out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...components.registry import Bound
from ...text.errors import one_line
from ...track.protocols import (
    Batches,
    Case,
    Dataset,
    Defaults,
    Finding,
    Words,
    add_track,
    checked_declarations,
    refuse_unknown_layout,
    torch_where_used,
)
from .picture_files import PictureFiles

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...comparing.comparison import Comparison
    from ...comparing.difference import Difference
    from ...imaging.pixels import Array
    from ...imaging.sample import Sample
    from ...imaging.validation import Range
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from ...report.sections import DrawsSection, Previews
    from ...statistics.paired_tests import Floats
    from ...store.outputs import OutputFiles
    from ...store.record import Record
    from .alike import Sketch
    from .restorer import Restorer
    from .set_metrics.collector import Collector

_DECLARED: Mapping[str, Mapping[str, Any]] = {
    "method": {"layout": "tensor", "enhances": False},
    "regime": {"keeps": (), "adds_up": {}, "cuts": (), "planes": (), "title": ""},
    "metric": {"residual": False, "missing": False, "set": False},
    "protocol": {"peak": 1.0, "bits": None, "keeps": None},
}
"""What a component of this track may declare beyond what every track knows, with what holds where it does not."""


_OUTSIDE = "was given values outside [0, 1]: a network made for files of 8 bit needs downsample(…, bits=8)"


def _is_range(peak: Any) -> bool:
    """Whether a declared peak is a number that values can go up to."""
    return isinstance(peak, Real) and 0 < float(peak) < math.inf


class Restore:
    """Items are pictures, a regime makes them noisy or degrades them otherwise, a method gives a picture."""

    name = "restore"
    version = 1
    words = Words(
        item="picture",
        items="pictures",
        given="noisy input",
        output="restored picture",
        truth="clean picture",
        level="noise level",
    )
    defaults = Defaults(
        protocol="uint8",
        metrics=("psnr", "ssim"),
        rank_by="psnr",
        dataset="photos",
        regime="gaussian(sigma=25)",
        size=(256, 256),
        channels=True,
    )
    preload: tuple[str, ...] = (
        "cv2",
        "noisebench.tracks.restore.degrade",
        "noisebench.tracks.restore.restorer",
        "noisebench.tracks.restore.scoring",
        "noisebench.tracks.restore.metrics.psnr",
        "noisebench.tracks.restore.metrics.ssim",
    )
    outputs: OutputFiles = PictureFiles()

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name, ValueError for a value unknown here."""
        made = checked_declarations(kind, declared, _DECLARED)
        refuse_unknown_layout(made)
        if made.get("bits") not in (None, 8):
            raise ValueError(f"bits is 8 or None, not {made['bits']!r}")
        if made.get("bits") == 8 and "peak" not in declared:
            made["peak"] = 255.0
        if "peak" in made and not _is_range(made["peak"]):
            raise ValueError(f"peak is a finite number above 0, not {one_line(repr(made['peak']), 60)}")
        return made

    def identify(self, item: Sample) -> str:
        """Id, clean and noisy pixels, what the optimum is told, and the group, on one line.

        Raises `UsageError` for what is no picture.
        """
        import numpy as np

        from ...imaging.pixels import canonical, pixel_sha256
        from .degrade import check_finite, clean_of

        def pixels(picture: Array) -> str:
            stored, values = pixel_sha256(picture), canonical(picture)
            same = values is picture or pixel_sha256(values) == stored
            return stored if same else f"{stored}={pixel_sha256(values)}"

        clean_of(item)
        if item.noisy is not None:
            check_finite(np.asarray(item.noisy), f"{item.id!r}: noisy")
        noisy = pixels(item.noisy) if item.noisy is not None else "-"
        meta = hashlib.sha256()
        for key in sorted(item.meta):
            value = item.meta[key]
            meta.update(key.encode())
            if isinstance(value, np.ndarray):
                # Laws are computed in float64, the last bits of which differ from processor to processor.
                told = np.rint(value * 2.0**24) + 0.0 if value.dtype.kind == "f" else value
                meta.update(np.ascontiguousarray(told).tobytes())
            else:
                meta.update(repr(value).encode())
        group = f" group {item.group!r}" if item.group else ""
        return f"{item.id!r} {pixels(item.clean)} {noisy} {meta.hexdigest() if item.meta else '-'}{group}"

    def pose(self, regime: Bound, item: Sample, seed: int, draw: int = 0) -> Case:
        """The noisy picture, float32 (H', W', C), what is disclosed, and the shape (H, W, C) of the wanted one."""
        from ...imaging.pixels import as_hwc, bytes_sha256
        from .degrade import degrade_sample

        noisy, info = degrade_sample(regime, item, seed, draw)
        # Noise leaves [0, 1] by design; of a picture that is only small a network may expect a file of 8 bit.
        outside = "scale" in info and (noisy.min() < 0 or noisy.max() > 1)
        return Case(noisy, info, bytes_sha256(noisy), as_hwc(item.clean).shape, _OUTSIDE if outside else "")

    def open(self, method: Bound) -> Restorer:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .restorer import Restorer

        return Restorer(method)

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

    # Below: what a track may have. See the protocols of `track.py`.

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a method takes tensors, a metric is a network, or a plug-in has imported it."""
        return torch_where_used(components, ("set", "describe"))

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of a set metric goes into a key, and its blank `SetPart`. Raises `UsageError` for what is missing."""
        from .set_metrics.definition import plan_set

        return plan_set(metric)

    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector:
        """What takes the features of restored pictures for the planned set metrics of a cell."""
        from .set_metrics.collector import Collector, planned

        return Collector(planned(sets), folder, n, protocol=protocol, taken=taken)

    def rescaled(self, item: Sample, range: Range) -> Sample:
        """The item with its float pictures brought from `range` to [0, 1]. Raises `UsageError`."""
        from dataclasses import replace

        from ...imaging.validation import as_picture, mapped

        noisy = item.noisy if item.noisy is None else mapped(as_picture(item.noisy, "noisy"), range, "noisy")
        return replace(item, clean=mapped(as_picture(item.clean, "clean"), range, "clean"), noisy=noisy)

    def aggregations(self) -> Mapping[str, tuple[str, Callable[[Floats], Floats]]]:
        """Pooled MSE beside the mean of PSNR: see `tracks/restore/aggregations.py`."""
        from .aggregations import pooled_mse

        return {"psnr": ("pooled MSE", pooled_mse)}

    def examine(self, method: Bound, before: Callable[[str], None], regime: str) -> Iterator[Finding]:
        """Try a method on tiny pictures: see `tracks/restore/doctor.py`."""
        from .doctor import examine

        return examine(method, before, regime)

    def score_folders(
        self, restored: str, clean: str, protocol: str, metrics: Sequence[str]
    ) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]:
        """Score pictures that exist already: see `tracks/restore/folder_scoring.py`."""
        from .folder_scoring import score_folders

        return score_folders(restored, clean, protocol, metrics)

    def explain_pairs(self, restored: str, clean: str, claimed: str | None) -> tuple[int, list[dict[str, Any]]]:
        """Two pictures, or two folders of them, under every usual convention: see `tracks/restore/conventions.py`."""
        from .conventions import explain_files

        return explain_files(restored, clean, claimed)

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """Crops of one picture as each method restores it: see `tracks/restore/report/panels.py`."""
        from .report.panels import panels

        return panels(boards, most, notes, sheet)

    def changed_panels(
        self, comparison: Comparison, differences: Sequence[Difference], a: Previews, b: Previews
    ) -> tuple[list[Plot], str]:
        """The kept pictures that changed most: see `tracks/restore/report/changed.py`."""
        from .report.changed import changed_panels

        return changed_panels(comparison, differences, a, b)

    def channels(self, item: Sample) -> int:
        """How many channels the clean picture has."""
        from ...imaging.pixels import as_hwc

        return int(as_hwc(item.clean).shape[2])

    def sketch(self, item: Sample) -> Sketch:
        """What is compared to see whether pictures are independent: see `tracks/restore/alike.py`."""
        from .alike import sketch

        return sketch(item.clean)

    def alike(self, sketches: Sequence[Sketch]) -> tuple[list[list[int]], list[tuple[int, int]]]:
        """Equal pictures, and pairs that show parts of one another."""
        from .alike import alike

        return alike(sketches)

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
        """Crops of clean pictures and what the regime makes of them: see `tracks/restore/batches.py`."""
        from .batches import CropBatches

        return CropBatches(dataset, chosen, regime, order, crop=crop, seed=seed, fixed=fixed)

    def truth_sha256(self, item: Sample) -> str:
        """The hash of the clean picture's values."""
        from ...imaging.pixels import canonical, pixel_sha256
        from .degrade import clean_of

        return pixel_sha256(canonical(clean_of(item)))

    split_metric = "mse"
    """The metric whose mean is split over draws of the noise: it must be scored."""

    def draws(self, store: Path, records: Sequence[Record]) -> DrawsSection:
        """Errors split over draws of the noise: see `tracks/restore/report/draws.py`."""
        from .report.draws import draws_section

        return draws_section(store, records)


TRACK = add_track(Restore())
