"""What a name in a claim stands for: a mean score, a set metric, a cost, or a figure of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..components.registry import bind
from ..components.tracks import DEFAULT
from ..store.cell import Cell, Outcome
from ..store.training_figures import NoValue, cost_number, training_figure
from ..suite.reading import UNWRITTEN, FileModel, InvalidValue
from ..text.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..store.record import Record

COSTS = (
    "latency_rel", "latency_ms", "latency_cpu_ms", "first_ms", "setup_s", "peak_memory_bytes", "energy_j", "params",
    "weight_bytes", "macs",
)  # fmt: skip
NOTHING_TRAINED = "its method trains nothing"
SEED = "seed"
"""`$seed` in the texts of a cell is the seed that it is judged on."""


@dataclass(frozen=True)
class CellOf(FileModel):
    """The cell behind a name of a claim, and what of it the name stands for: one of `metric`, `training` and `cost`.

    `protocol` is empty where it is that of the track; so is `regime` of a training or a cost, and `size`, the size of
    the input that a cost is of. A training needs no `dataset`.
    """

    method: str
    dataset: str = ""
    regime: str = ""
    protocol: str = ""
    metric: str = ""
    track: str = field(default=DEFAULT, metadata=UNWRITTEN)
    training: str = ""
    cost: str = ""
    size: str = ""

    def check(self) -> None:
        """Raise `InvalidValue` where it says too much, or too little."""
        if sum(map(bool, (self.metric, self.training, self.cost))) != 1:
            raise InvalidValue("a cell has one of metric, training and cost")
        if self.metric and not (self.dataset and self.regime):
            raise InvalidValue("a cell with a metric has a dataset and a regime")
        if self.cost and self.dataset:
            raise InvalidValue("a cost is of no dataset: `size` says how large the input is", "dataset")
        if self.size and not self.cost:
            raise InvalidValue("size goes with cost", "size")

    @property
    def texts(self) -> dict[str, str]:
        """What was said of it, by name."""
        return {name: value for name, value in vars(self).items() if value}

    def at(self, seed: int) -> CellOf:
        """The cell on a seed, which stands in place of `$seed`."""
        return replace(self, **{name: text.replace(f"${SEED}", str(seed)) for name, text in self.texts.items()})

    @property
    def scored_by(self) -> str:
        """The metric as results name it, however it is written."""
        try:
            return bind(self.metric, "metric", self.track).display if self.metric else ""
        except UsageError:  # of a plug-in that is not loaded
            return self.metric


@dataclass(frozen=True)
class CellResult:
    """What there is of a cell on a seed: scored (with the mean of each metric) or measured, and its trainings.

    Trainings are those that have an end to speak of, done or diverged; `before` are those that they needed themselves,
    whose figures are not meant. `outcome` and `reason` say why there is no `cell`, or why a training is not there.
    `scores` are those of `items`, by metric.
    """

    cell: Cell | None = None
    means: Mapping[str, float] = field(default_factory=dict)
    trainings: Sequence[Cell] = ()
    before: Sequence[Cell] = ()
    outcome: Outcome | None = None
    reason: str = ""
    scores: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    items: Sequence[str] = ()

    def scored(self, record: Record) -> CellResult:
        """The same with the cell of a record, and its scores."""
        import numpy as np

        means = {metric: float(np.mean(values)) for metric, values in record.scores.items()}
        return replace(self, cell=record.cell, means=means, scores=record.scores, items=record.items)

    @property
    def diverged(self) -> bool:
        """Whether there is no cell because what its method trains diverged, every variant of it."""
        outcomes = {cell.outcome for cell in self.trainings}
        return self.cell is None and outcomes == {"diverged"}

    @property
    def cells(self) -> list[Cell]:
        """The cell, after its trainings."""
        return [*self.before, *self.trainings, *([self.cell] if self.cell is not None else [])]

    @property
    def seconds(self) -> dict[str, float]:
        """What each of them took, by key."""
        return {cell.key: float(cell.seconds or 0.0) for cell in self.cells}


def value_of(of: CellOf, result: CellResult, known: Mapping[str, float]) -> float:
    """The number that a name stands for; `known` are those of the names before it. Raises `NoValue`.

    NaN where a training diverged: no comparison with it holds.
    """
    if of.training:
        if not result.trainings:
            raise NoValue(result.reason)
        return training_figure(of.training, result.trainings, known)
    if result.cell is None:
        if result.diverged:
            return math.nan
        raise NoValue(result.reason)
    if of.cost:
        if result.cell.cost is None:
            raise NoValue(f"{of.cost} could not be measured: it is not there")
        return cost_number(result.cell.cost, of.cost)
    metric = of.scored_by
    if metric in result.means:
        return result.means[metric]
    whole = result.cell.sets.get(metric)
    if whole is None or whole.value is None:
        raise NoValue(whole.note if whole else result.reason or f"its cell was not scored by {metric}")
    return whole.value
