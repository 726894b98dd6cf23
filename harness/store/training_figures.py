"""What a training took or found, by name: the same names in claims and in studies."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from ..spec.figures import reached_of
from ..text.errors import nearest, one_line
from .cell import Cell, Cost, TrainingCost, TrainingHistory

TRAINING_COSTS = tuple(name for name in TrainingCost.__struct_fields__ if name != "reasons")


class NoValue(Exception):
    """There is no value; the message says why."""


def training_figure(name: str, cells: Sequence[Cell], known: Mapping[str, float]) -> float:
    """A figure of the best of several trainings that have ended; `known` are numbers that a `steps_to` may name.

    NaN where all diverged: no comparison with it holds. Raises `NoValue`.
    """
    done = [cell.training for cell in cells if cell.training is not None]
    if name == "diverged":
        return float(not done)
    if not done:
        return math.nan
    training = _best(done)
    if name in TRAINING_COSTS:
        return cost_number(training.cost, name)
    if name == "steps":
        return float(training.steps)
    if name == "loss":
        loss = training.curve[-1].loss if training.curve else None
        if loss is None:
            raise NoValue("its training has no validation, and so no mean loss")
        return loss
    if name == "score":
        if training.score is None:
            raise NoValue("its validation has no score")
        return training.score
    reached = reached_of(name)
    if reached is not None:
        unit, text = reached
        return first_reaching(training, known[text] if text in known else float(text), unit)
    figures = training.figures or {}
    if name not in figures:
        raise NoValue(f"its training has no figure {one_line(name)!r}: {nearest(name, figures)}")
    return figures[name]


def _best(trainings: Sequence[TrainingHistory]) -> TrainingHistory:
    """The training with the best validation score; the first of those that have none."""
    scored = [t for t in trainings if t.score is not None]
    sign = 1 if trainings[0].higher else -1
    return max(scored, key=lambda t: sign * (t.score or 0.0)) if scored else trainings[0]


def first_reaching(training: TrainingHistory, score: float, unit: str) -> float:
    """Steps or seconds at the first validation that is as good as `score`: infinite where none is, NaN for a NaN."""
    if math.isnan(score):
        return math.nan
    sign = 1 if training.higher else -1
    for point in training.curve:
        if point.score is not None and sign * point.score >= sign * score:
            return float(point.step if unit == "steps" else point.seconds)
    return math.inf


def cost_number(cost: Cost | TrainingCost, name: str) -> float:
    """A number of a cost, of several its median. Raises `NoValue` with the reason where it was not measured."""
    value = getattr(cost, name, None)
    if isinstance(value, dict):
        value = value.get("p50")
    if value is None or value is UNSET:
        raise NoValue(f"{name} could not be measured: {cost.reasons.get(name) or 'it is not there'}")
    return float(value)
