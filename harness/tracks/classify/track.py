"""Track `classify`: a labelled picture under noise in, logits of its class out."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...components.calls import metric_value, read_only
from ...components.registry import Bound
from ...store.outputs import OutputFiles
from ...store.record import Mistake
from ...text.errors import NotDefined, one_line
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
    from ...report.order_stability import Section
    from ...report.plots.drawing import Plot
    from ...report.plots.sheets import Sheet
    from .classifier import Classifier
    from .labelled_picture import LabelledPicture

_DECLARED: Mapping[str, Mapping[str, Any]] = {
    "method": {"layout": "tensor", "certifies": False, "explains": False},
    "metric": {"radius": False, "maps": False, "set": False},
}
"""`certifies`: the method gives logits and behind them a certified radius; a metric with `radius` is given it.

`explains`: it gives logits and saliency maps; a metric with `maps` is given an `Explanation`. `set`: a metric is of all
pictures together, see `set_metrics.py`.
"""


LONGEST = 80
"""Letters of the name of a class that are kept of a mistake."""


def _logits(output: Any, classes: int) -> Any:
    """Those of an output as `LogitFiles` has it."""
    return output[:, 0] if output.ndim == 2 else output[:classes]


class LogitFiles(ArrayFiles):
    """Logits (K,), with a certified radius (K + 1,), or with maps as `packed` has them, as `.npy`."""

    def due(self, output: Any, wanted: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """`wanted` (K,), or (K + 1,) or (K, 1 + n) where that is there."""
        shape: tuple[int, ...] = getattr(output, "shape", ())
        if wanted is None:
            return None
        with_maps = len(shape) == 2 and shape[0] == wanted[0] and shape[1] > 1
        return shape if shape == (wanted[0] + 1,) or with_maps else wanted

    def panel(self, item: LabelledPicture, case: Case, output: Any) -> Mapping[str, bytes] | None:
        """The picture and the map of its class, of a method that explains."""
        from .drawing import draw_explanation

        return draw_explanation(item, case.given, output) if output.ndim == 2 else None

    def mistake(
        self, item: LabelledPicture, case: Case, output: Any, protocol: Bound, *, pictured: bool
    ) -> Mistake | None:
        """The true class, and the likeliest with its probability; None where these are one, or there is no true one."""
        import numpy as np

        from .drawing import small_picture
        from .labelled_picture import NO_CLASS

        said = protocol.entry.obj(_logits(output, len(item.classes)), **protocol.kwargs)
        place = int(np.argmax(said))
        if item.label in (place, NO_CLASS):
            return None
        truth, answer = (one_line(item.classes[label], LONGEST) for label in (item.label, place))
        likely = float(np.exp(said[place]))
        picture = small_picture(case.given) if pictured else None
        return Mistake(item.id, truth, answer, likely if 0 <= likely <= 1 else None, picture)


class Classify:
    """Items are labelled pictures, a regime makes them noisy, a method gives logits of the classes."""

    name = "classify"
    version = 1
    words = Words(
        item="picture",
        items="pictures",
        given="noisy picture",
        output="logits",
        truth="label",
        level="noise level",
    )
    defaults = Defaults(
        protocol="softmax",
        metrics=("accuracy", "nll"),
        rank_by="accuracy",
        dataset="digits",
        regime="none",
        size=(28, 28),
        channels=True,
    )
    preload: tuple[str, ...] = ("numpy", "noisebench.tracks.classify.degrade", "noisebench.tracks.classify.classifier")
    outputs: OutputFiles = LogitFiles()
    borrows: Mapping[str, str] = {"regime": "restore"}
    """The track whose components of a kind serve here too."""

    def __repr__(self) -> str:
        return f"Track({self.name})"

    def declare(self, kind: str, declared: Mapping[str, Any]) -> dict[str, Any]:
        """What a component declares, complete. Raises `UsageError` for a name, ValueError for a value unknown here."""
        made = checked_declarations(kind, declared, _DECLARED)
        refuse_unknown_layout(made)
        return made

    def identify(self, item: LabelledPicture) -> str:
        """Id, values, labels, classes, group and regions, on one line.

        Raises `UsageError` for what is no labelled picture.
        """
        from .labelled_picture import regions_sha256

        classes = hashlib.sha256(repr(tuple(item.classes)).encode()).hexdigest()[:16]
        group = f" group {item.group!r}" if item.group else ""
        regions = "" if item.regions is None else f" regions {regions_sha256(item)}"
        return f"{item.id!r} {self.truth_sha256(item)} {item.label} {item.given_label} {classes}{group}{regions}"

    def pose(self, regime: Bound, item: LabelledPicture, seed: int, draw: int = 0) -> Case:
        """The picture under the regime, float32 (H, W, C), what is disclosed, and the shape (K,) of logits."""
        from ...imaging.pixels import bytes_sha256
        from .degrade import degrade_labelled

        given, info = degrade_labelled(regime, item, seed, draw)
        return Case(given, info, bytes_sha256(given), (len(item.classes),))

    def open(self, method: Bound) -> Classifier:
        """The method, ready to be set up. Raises `Skip` where a package that it requires is not there."""
        from .classifier import Classifier

        return Classifier(method)

    def score(
        self, output: Any, item: LabelledPicture, case: Case, protocol: Bound, metrics: Sequence[Bound]
    ) -> dict[str, float]:
        """Scores by display form of the metric, of log-probabilities as the protocol makes them of logits."""
        from .explanation import Explanation, unpacked
        from .labelled_picture import NO_CLASS

        classes = len(item.classes)
        logits, maps = unpacked(output, case.given.shape[:2]) if output.ndim == 2 else (output[:classes], ())
        said = read_only(protocol.entry.obj(logits, **protocol.kwargs))
        maps = tuple(map(read_only, maps))
        scores: dict[str, float] = {}
        for metric in metrics:
            value: float
            if item.label == NO_CLASS:
                value = NotDefined("it shows none of the classes")
            elif metric.entry.meta["maps"]:
                second = maps[1] if len(maps) > 1 else None
                explanation = Explanation(said, maps[0], second, item.label, item.regions) if maps else None
                value = metric_value(metric, explanation) if explanation else NotDefined("gives no maps")
            elif not metric.entry.meta["radius"]:
                value = metric_value(metric, said, item.label)
            elif len(output) > classes:
                value = metric_value(metric, said, item.label, float(output[classes]))
            else:
                value = NotDefined("the method certifies nothing")
            scores[metric.display] = value
        return scores

    def probe(self, size: tuple[int, ...]) -> LabelledPicture:
        """A fixed picture of `size` (H, W), which is grey, or such as (H, W, 3), of ten classes, for costs."""
        import numpy as np

        from .labelled_picture import LabelledPicture

        ramp = np.linspace(0, 1, math.prod(size), dtype=np.float32).reshape(size)
        return LabelledPicture("cost", ramp, 0, tuple("0123456789"))

    # Below: what a track may have. See the protocols of `track.py` and of `report/sections.py`.

    def channels(self, item: LabelledPicture) -> int:
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
        """Labelled pictures and what the regime makes of them, whole: see `tracks/classify/batches.py`."""
        from .batches import LabelBatches

        return LabelBatches(dataset, chosen, regime, order, seed, fixed=fixed)

    def truth_sha256(self, item: LabelledPicture) -> str:
        """The hash of the picture's values: two labels of one picture do not make it two."""
        from ...imaging.pixels import pixel_sha256
        from .labelled_picture import values_of

        return pixel_sha256(values_of(item))

    def plan_set(self, metric: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of a set metric goes into a key, and its blank `SetPart`."""
        from .set_metrics import plan_set

        return plan_set(metric)

    def collector(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> Collector:
        """What takes what is said of each picture for the planned set metrics of a cell."""
        from .set_metrics import AnswerCollector

        return AnswerCollector(sets, protocol=protocol, taken=taken)

    def sections(self, boards: Sequence[Board]) -> list[Section]:
        """Mean corruption errors: see `tracks/classify/corruption_error.py`."""
        from .corruption_error import corruption_sections

        return corruption_sections(boards)

    def panels(self, boards: Sequence[Board], most: int, notes: list[str], sheet: Sheet) -> list[Plot]:
        """A picture and the maps of each method, what is certified within which radius, and what was misclassified."""
        from ...report.plots.mistakes import mistake_panels
        from ...report.plots.side_by_side import tile_panels
        from .certified_curves import certified_curves
        from .report import MAPS

        return [
            *tile_panels(boards, most, notes, sheet, MAPS),
            *certified_curves(boards, most, notes, sheet),
            *mistake_panels(boards, most, notes, sheet),
        ]


TRACK = add_track(Classify())
