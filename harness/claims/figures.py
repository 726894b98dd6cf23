"""What a name in a claim stands for: a mean score, a set metric, a cost, or a figure of a training."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import nearest, one_line
from ..store.record import Cell, Outcome, Training, TrainingCost
from ..track import DEFAULT

COSTS = (
    "latency_rel", "latency_ms", "latency_cpu_ms", "first_ms", "setup_s", "peak_memory_bytes", "energy_j", "params",
    "macs",
)  # fmt: skip
TRAINING_COSTS = tuple(name for name in TrainingCost.__annotations__ if name != "reasons")
NOTHING_TRAINED = "its method trains nothing"
_REACHED = re.compile(r"(steps|seconds)_to\(\s*([^()]*?)\s*\)")


@dataclass(frozen=True)
class CellOf:
    """The cell behind a name of a claim, and what of it the name stands for: one of `metric`, `training` and `cost`.

    `protocol` is empty where it is that of the track; so is `regime` of a training or a cost, and `size`, the size of
    the input that a cost is of. A training needs no `dataset`.
    """

    method: str
    dataset: str = ""
    regime: str = ""
    protocol: str = ""
    metric: str = ""
    track: str = DEFAULT
    training: str = ""
    cost: str = ""
    size: str = ""

    @property
    def said(self) -> dict[str, str]:
        """What was said of it, by name."""
        return {name: value for name, value in vars(self).items() if value}


@dataclass(frozen=True)
class Found:
    """What there is of a cell on a seed: scored (with the mean of each metric) or measured, and its trainings.

    Trainings are those that have an end to speak of, done or diverged. `outcome` and `reason` say why there is no
    `cell`, or why a training is not there.
    """

    cell: Cell | None = None
    means: Mapping[str, float] = field(default_factory=dict)
    trainings: Sequence[Cell] = ()
    outcome: Outcome | None = None
    reason: str = ""

    @property
    def diverged(self) -> bool:
        """Whether there is no cell because what its method trains diverged, every variant of it."""
        outcomes = {cell["outcome"] for cell in self.trainings}
        return self.cell is None and outcomes == {"diverged"}

    @property
    def cells(self) -> list[Cell]:
        """The cell, after its trainings."""
        return [*self.trainings, *([self.cell] if self.cell is not None else [])]

    @property
    def seconds(self) -> dict[str, float]:
        """What each of them took, by key."""
        return {cell["key"]: float(cell["seconds"] or 0.0) for cell in self.cells}


class Unknown(Exception):
    """There is no value; the message says why."""


def reached_of(name: str) -> tuple[str, str] | None:
    """("steps" or "seconds", V) of `steps_to(V)` and `seconds_to(V)`; None of any other name."""
    match = _REACHED.fullmatch(name)
    return (match[1], match[2]) if match else None


def value_of(of: CellOf, found: Found, known: Mapping[str, float]) -> float:
    """The number that a name stands for; `known` are those of the names before it. Raises `Unknown`.

    NaN where a training diverged: no comparison with it holds.
    """
    if of.training:
        return _of_training(of, found, known)
    if found.cell is None:
        if found.diverged:
            return math.nan
        raise Unknown(found.reason)
    if of.cost:
        return _number(found.cell["cost"] or {}, of.cost)
    if of.metric in found.means:
        return found.means[of.metric]
    whole = found.cell.get("sets", {}).get(of.metric)
    if whole is None or whole["value"] is None:
        raise Unknown(whole["note"] if whole else found.reason or f"its cell was not scored by {of.metric}")
    return whole["value"]


def _of_training(of: CellOf, found: Found, known: Mapping[str, float]) -> float:
    done = [cell["training"] for cell in found.trainings if "training" in cell]
    if not found.trainings:
        raise Unknown(found.reason)
    if of.training == "diverged":
        return float(not done)
    if not done:
        return math.nan
    training = _best(done)
    if of.training in TRAINING_COSTS:
        return _number(training["cost"], of.training)
    if of.training == "steps":
        return float(training["steps"])
    if of.training == "loss":
        loss = training["curve"][-1]["loss"] if training["curve"] else None
        if loss is None:
            raise Unknown("its training has no validation, and so no mean loss")
        return loss
    if of.training == "score":
        if training["score"] is None:
            raise Unknown("its validation has no score")
        return training["score"]
    reached = reached_of(of.training)
    if reached is not None:
        what, text = reached
        return first_reaching(training, known[text] if text in known else float(text), what)
    figures = training.get("figures", {})
    if of.training not in figures:
        raise Unknown(f"its training has no figure {one_line(of.training)!r}: {nearest(of.training, figures)}")
    return figures[of.training]


def _best(trainings: Sequence[Training]) -> Training:
    """The training with the best validation score; the first of those that have none."""
    scored = [t for t in trainings if t["score"] is not None]
    sign = 1 if trainings[0]["higher"] else -1
    return max(scored, key=lambda t: sign * (t["score"] or 0.0)) if scored else trainings[0]


def first_reaching(training: Training, score: float, what: str) -> float:
    """Steps or seconds at the first validation that is as good as `score`: infinite where none is, NaN for a NaN."""
    if math.isnan(score):
        return math.nan
    sign = 1 if training["higher"] else -1
    for point in training["curve"]:
        if point["score"] is not None and sign * point["score"] >= sign * score:
            return float(point["step"] if what == "steps" else point["seconds"])
    return math.inf


def _number(cost: Mapping[str, Any], name: str) -> float:
    value = cost.get(name)
    if isinstance(value, dict):
        value = value.get("p50")
    if value is None:
        raise Unknown(f"{name} could not be measured: {cost.get('reasons', {}).get(name, 'it is not there')}")
    return float(value)
