"""Metrics of all pictures of a set of two classes: how well what is said of the second tells it from the first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...registry import Bound, bind
from .labelled_picture import NO_CLASS, LabelledPicture

Floats = npt.NDArray[np.float64]
Value = tuple[float, float | None]
"""A value, and its standard error where it has one."""


@dataclass(frozen=True)
class SetMetric:
    """What a metric of all pictures is: of scores (N,) of the first class and of the second a value."""

    of: Callable[[Floats, Floats], Value]


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and its blank `SetPart`."""
    part = {
        "version": bound.entry.version, "higher": bool(bound.entry.meta["higher"]), "unit": "",
        "features": "log odds of the second class", "features_sha256": "", "resize": "",
        "reference": "pictures of the first class", "value": None, "error": None, "interval": None, "n": 0, "d": 1,
        "floor": None, "flags": [], "note": "not computed",
    }  # fmt: skip
    return {"version": bound.entry.version}, part


class LogOddsCollector:
    """Takes of each picture how likely its second class is said to be, and scores them all at the end.

    `taken` are the results of `take` for the pictures that were done before: they hold all that is needed.
    """

    def __init__(self, sets: Mapping[str, Any], *, protocol: Bound, taken: Iterable[Any] = ()) -> None:
        self._bounds = {name: bind(name, "metric", "classify") for name in sets}
        self._protocol, self._taken = protocol, list(taken)

    def take(self, output: Any, item: LabelledPicture) -> dict[str, Any]:
        """Label, number of classes, and the log odds of the second class."""
        classes = len(item.classes)
        logits = output[:, 0] if output.ndim == 2 else output[:classes]
        said = self._protocol.entry.obj(logits, **self._protocol.kwargs)
        one = {"label": item.label, "classes": classes, "said": float(said[1] - said[0]) if classes == 2 else 0.0}
        self._taken.append(one)
        return one

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name."""
        return {name: self._scored(bound.entry.obj(**bound.kwargs)) for name, bound in self._bounds.items()}

    def clear(self) -> None:
        """Nothing is kept in files."""

    def _scored(self, metric: SetMetric) -> dict[str, Any]:
        found: dict[str, Any] = {"value": None, "error": None, "interval": None, "n": len(self._taken), "floor": None,
                                 "flags": [], "note": ""}  # fmt: skip
        other = next((one["classes"] for one in self._taken if one["classes"] != 2), None)
        if other is not None:
            return {**found, "note": f"is of sets of two classes, not of {other}"}
        shown = [one for one in self._taken if one["label"] != NO_CLASS]
        first, second = (np.array([one["said"] for one in shown if one["label"] == k], np.float64) for k in (0, 1))
        if not len(first) or not len(second):
            return {
                **found,
                "n": len(shown),
                "note": f"{len(first)} pictures of the first class, {len(second)} of the second",
            }
        value, error = metric.of(first, second)
        interval = None
        if error is not None:
            interval = [max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error)]
        return {**found, "n": len(shown), "value": value, "error": error, "interval": interval}


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
    found: Floats = (np.searchsorted(ordered, each, "left") + np.searchsorted(ordered, each, "right")) / (
        2 * len(values)
    )
    return found


def false_alarms(first: Floats, second: Floats, found: float) -> Value:
    """The share of `first` at or above the largest threshold at or above which a share `found` of `second` is."""
    threshold = np.sort(second)[::-1][math.ceil(found * len(second) - 1e-9) - 1]
    return float((first >= threshold).mean()), None
