"""Detection: how well what is said of the second of two classes tells its pictures from those of the first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .set_metrics import AnswerMetric, Answers, Floats

Value = tuple[float, float | None]
"""A value, and its standard error where it has one."""


def detection(of: Callable[[Floats, Floats], Value]) -> AnswerMetric:
    """The set metric that `of` makes of the log odds (N,) of pictures of the first class, and of the second."""

    def score(answers: Answers) -> dict[str, Any]:
        result: dict[str, Any] = {"value": None, "error": None, "interval": None, "n": len(answers.label),
                                 "floor": None, "flags": [], "note": ""}  # fmt: skip
        others = answers.classes[answers.classes != 2]
        if len(others):
            return {**result, "note": f"is of sets of two classes, not of {others[0]:.0f}"}
        first, second = (answers.odds[answers.label == k] for k in (0, 1))
        if not len(first) or not len(second):
            note = f"{len(first)} pictures of the first class, {len(second)} of the second"
            return {**result, "note": note}
        value, error = of(first, second)
        interval = None
        if error is not None:
            interval = [max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)]
        return {**result, "value": value, "error": error, "interval": interval}

    return AnswerMetric(score, features="log odds of the second class", reference="pictures of the first class")


def area_under_roc(first: Floats, second: Floats) -> Value:
    """The chance that one of `second` is above one of `first`, ties by half, and its error (DeLong et al., 1988)."""
    of_second, of_first = _below(first, second), 1 - _below(second, first)
    value = float(of_second.mean())
    if min(len(first), len(second)) < 2:
        return value, None
    return value, math.sqrt(float(of_second.var(ddof=1) / len(second) + of_first.var(ddof=1) / len(first)))


def _below(values: Floats, each: Floats) -> Floats:
    """The share of `values` that is below each of another array, ties by half."""
    ordered = np.sort(values)
    shares: Floats = (np.searchsorted(ordered, each, "left") + np.searchsorted(ordered, each, "right")) / (
        2 * len(values)
    )
    return shares


def false_alarms(first: Floats, second: Floats, detected: float) -> Value:
    """The share of `first` at or above the largest threshold at or above which a share `detected` of `second` is."""
    threshold = np.sort(second)[::-1][math.ceil(detected * len(second) - 1e-9) - 1]
    return float((first >= threshold).mean()), None
