"""Track `segment`: a picture under noise in, logits of the class of each pixel out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...track.outputs import ArrayFiles
from ...track.protocols import (
    Batches,
    Case,
    Collector,
    Dataset,
    Defaults,
    Words,
    add_track,
    checked_declarations,
    refuse_unknown_layout,
    torch_where_used,
)

if TYPE_CHECKING:
    from ...boards.board import Board
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .mapped_picture import MappedPicture
    from .segmenter import Segmenter

_DECLARED: Mapping[str, Mapping[str, Any]] = {"method": {"layout": "tensor"}, "metric": {"set": False}}


class MapFiles(ArrayFiles):
    """Logits (K, H, W) as `.npy`."""

    def panel(self, item: MappedPicture, case: Case, output: Any) -> Mapping[str, bytes] | None:
        """The picture, the true map and the one that was found."""
        from .drawing import draw_maps

        return draw_maps(item, case.given, output)


class Segment:
    """Items are pictures with a label map, a regime makes the picture noisy, a method gives logits of each pixel."""

    name = "segment"
    version = 1
    words = Words(
        item="picture",
        items="pictures",
        given="noisy picture",
        output="logits",
        truth="label map",
        level="noise level",
    )
    defaults = Defaults(
        protocol="argmax",
        metrics=("dice", "iou"),
        rank_by="dice",
        dataset="ellipses",
        regime="none",
        size=(48, 48),
        channels=True,
    )
    preload: tuple[str, ...] = ("numpy", "noisebench.tracks.segment.degrade", "noisebench.tracks.segment.segmenter")
    outputs: OutputFiles = MapFiles()
    borrows: Mapping[str, str] = {"regime": "restore"}
    """The track whose components of a kind serve here too."""

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name, ValueError for a value unknown here."""
        made = checked_declarations(kind, declared, _DECLARED)
        refuse_unknown_layout(made)
        return made

    def identify(self, item: MappedPicture) -> str:
        """Id, values, maps, classes and group, on one line. Raises `UsageError` for what is no picture with its map."""
        from .mapped_picture import map_sha256

        picture = self.truth_sha256(item)
        classes = hashlib.sha256(repr((tuple(item.classes), item.background)).encode()).hexdigest()[:16]
        annotated = "" if item.annotated is None else f" annotated {map_sha256(item.annotated)}"
        group = f" group {item.group!r}" if item.group else ""
        return f"{item.id!r} {picture} {map_sha256(item.labels)}{annotated} {classes}{group}"

    def pose(self, regime: Bound, item: MappedPicture, seed: int, draw: int = 0) -> Case:
        """The picture under the regime, float32 (H, W, C), what is disclosed, and the shape (K, H, W) of logits."""
        from ...imaging.pixels import bytes_sha256
        from .degrade import degrade_mapped

        given, info = degrade_mapped(regime, item, seed, draw)
        return Case(given, info, bytes_sha256(given), (len(item.classes), *given.shape[:2]))

    def open(self, method: Bound) -> Segmenter:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .segmenter import Segmenter

        return Segmenter(method)

    def score(
        self, output: Any, item: MappedPicture, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric, of the label map that the protocol makes of logits."""
        from .maps import Maps

        found = protocol.entry.obj(output, **protocol.kwargs)
        truth = item.labels.astype("int64")
        maps = Maps(read_only(found), read_only(truth), len(item.classes), item.background)
        return {metric.display: metric_value(metric, maps) for metric in metrics}

    def probe(self, size: tuple[int, ...]) -> MappedPicture:
        """A fixed picture of `size` (H, W), which is grey, or such as (H, W, 3), for costs.

        The brighter half of it is of a second class.
        """
        import numpy as np

        from .mapped_picture import MappedPicture

        ramp = np.linspace(0, 1, math.prod(size), dtype=np.float32).reshape(size)
        labels = (ramp.reshape(*size[:2], -1)[:, :, 0] > 0.5).astype(np.int64)
        return MappedPicture("cost", ramp, labels, ("background", "object"), 0)

    # Below: what a track may have. See the protocols of `track.py` and of `report/sections.py`.

    def channels(self, item: MappedPicture) -> int:
        """How many channels the picture has."""
        from ...imaging.pixels import as_hwc

        return int(as_hwc(item.picture).shape[2])

    def preload_for(self, components: Iterable[Bound]) -> tuple[str, ...]:
        """torch, where a method takes tensors, or a plug-in has imported it."""
        return torch_where_used(components)

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
        """Pictures with their maps and what the regime makes of them: see `tracks/segment/batches.py`."""
        from .batches import MapBatches

        return MapBatches(dataset, chosen, regime, order, seed, crop=crop, fixed=fixed)

    def truth_sha256(self, item: MappedPicture) -> str:
        """The hash of the picture's values: two maps of one picture do not make it two."""
        from ...imaging.pixels import pixel_sha256
        from .mapped_picture import values_of

        return pixel_sha256(values_of(item))

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of a set metric goes into a key, and its blank `SetPart`."""
        from .set_metrics import plan_set

        return plan_set(metric)

    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector:
        """What counts the pixels for the planned set metrics of a cell."""
        from .set_metrics import ConfusionCollector

        return ConfusionCollector(sets, protocol, taken)

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """A picture, its true map and those of each method: see `tracks/segment/report.py`."""
        from ...report.plots.side_by_side import tile_panels
        from .report import MAPS

        return tile_panels(boards, most, notes, sheet, MAPS)


TRACK = add_track(Segment())
