"""Metrics of all maps of a cell: one confusion matrix is summed, and scored at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...components.registry import Bound, bind
from ...imaging.pixels import Array
from ...text.errors import NotDefined, UsageError
from .mapped_picture import MappedPicture
from .maps import Ints, Maps

Value = Callable[[Ints, tuple[str, ...]], "float | NotDefined"]


@dataclass(frozen=True)
class ConfusionMetric:
    """A number of a confusion matrix (K, K), rows true and columns found, and the names of the classes."""

    value: Value


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and the blank `SetPart`."""
    part = {
        "version": bound.entry.version, "higher": bool(bound.entry.meta["higher"]), "unit": "",
        "features": "confusion matrix", "features_sha256": "", "resize": "", "reference": "true maps", "value": None,
        "error": None, "interval": None, "n": 0, "d": 0, "floor": None, "flags": [], "note": "not computed",
    }  # fmt: skip
    return {"version": bound.entry.version}, part


class ConfusionCollector:
    """Sums the confusion matrices of pictures; what `take` gives of each is stored with its row, so nothing else is.

    `taken` are the results of `take` for the pictures that are done. Raises `UsageError` where classes differ.
    """

    def __init__(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> None:
        bounds = {name: bind(name, "metric", "segment") for name in sets}
        self._metrics: dict[str, ConfusionMetric] = {n: b.entry.obj(**b.kwargs) for n, b in bounds.items()}
        self._protocol = protocol
        self._names: tuple[str, ...] | None = None
        self._counts: list[Ints] = []
        for one in taken:
            self._add(tuple(one["classes"]), np.asarray(one["confusion"], np.int64))

    def take(self, output: Array, item: MappedPicture) -> dict[str, Any]:
        """Count the pixels of a picture."""
        classes = self._protocol.entry.obj(output, **self._protocol.kwargs)
        counts = Maps(classes, item.labels.astype(np.int64), len(item.classes), item.background).confusion
        self._add(tuple(item.classes), counts)
        return {"classes": list(item.classes), "confusion": counts.tolist()}

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name; `error` is the jackknife's standard error over pictures."""
        return {name: self._scored(metric) for name, metric in self._metrics.items()}

    def clear(self) -> None:
        """There is nothing to remove."""

    def _add(self, names: tuple[str, ...], counts: Ints) -> None:
        if self._names not in (None, names):
            raise UsageError("set metrics of label maps are of pictures of the same classes: give a set of one kind")
        self._names = names
        self._counts.append(counts)

    def _scored(self, metric: ConfusionMetric) -> dict[str, Any]:
        result: dict[str, Any] = {"error": None, "interval": None, "n": len(self._counts), "floor": None, "flags": []}
        if self._names is None:
            return {**result, "value": None, "note": "no pictures"}
        each = np.stack(self._counts)
        whole = each.sum(axis=0)
        value = metric.value(whole, self._names)
        if isinstance(value, NotDefined):
            return {**result, "value": None, "note": value.reason}
        without = [metric.value(whole - one, self._names) for one in each] if len(each) > 1 else []
        numbers = [one for one in without if not isinstance(one, NotDefined)]
        if len(numbers) == len(each) > 1:
            result["error"] = float(np.sqrt((len(each) - 1) * np.var(numbers)))
        return {**result, "value": value, "note": ""}
