"""Metrics of all pictures of a cell: how confident a classifier is, beside how often it is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...boards.set_metrics import LABELS
from ...errors import UsageError
from ...keyed_noise import keyed_generator, text_key
from ...registry import Bound, bind
from ...statistics.paired_tests import MIN_ITEMS
from .labelled_picture import NO_CLASS, LabelledPicture

Floats = npt.NDArray[np.float64]
DRAWS = 1000
"""Draws that the floor and the standard error are of."""


@dataclass(frozen=True)
class CalibrationError:
    """What a metric of confidences is made of: `bins` of equal width on [0, 1]."""

    bins: int


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and the blank `SetPart`."""
    metric: CalibrationError = bound.entry.obj(**bound.kwargs)
    part = {
        "version": bound.entry.version, "higher": bool(bound.entry.meta["higher"]), "unit": "",
        "features": "confidence in bins", "features_sha256": "", "resize": "", "reference": LABELS, "value": None,
        "error": None, "interval": None, "n": 0, "d": metric.bins, "floor": None, "flags": [], "note": "not computed",
    }  # fmt: skip
    return {"version": bound.entry.version}, part


class ConfidenceCollector:
    """Takes of each picture how confident its class is and whether it is right, then scores all of them.

    `taken` are the results of `take` for the pictures before. A picture that shows none of the classes counts for none.
    """

    def __init__(self, sets: Mapping[str, Any], *, protocol: Bound, taken: Iterable[Any] = ()) -> None:
        self._metrics: dict[str, CalibrationError] = {}
        for name in sets:
            bound = bind(name, "metric", "classify")
            self._metrics[name] = bound.entry.obj(**bound.kwargs)
        self._protocol, self._taken = protocol, list(taken)

    def take(self, output: npt.NDArray[Any], item: LabelledPicture) -> list[float]:
        """Confidence and 1 or 0, or nothing."""
        if not isinstance(item, LabelledPicture):
            raise UsageError("set metrics are of labelled pictures")
        made: list[float] = []
        if item.label != NO_CLASS:
            logits = (output[:, 0] if output.ndim == 2 else output)[: len(item.classes)]
            said: Floats = self._protocol.entry.obj(logits, **self._protocol.kwargs)
            place = int(np.argmax(said))
            made = [float(np.exp(said[place])), float(place == item.label)]
        self._taken.append(made)
        return made

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name."""
        rows = np.array([one for one in self._taken if one], np.float64).reshape(-1, 2)
        return {name: scored(metric, rows[:, 0], rows[:, 1]) for name, metric in self._metrics.items()}

    def clear(self) -> None:
        """There are no files: what is taken lies in the rows of the cell."""


def scored(metric: CalibrationError, confidence: Floats, right: Floats) -> dict[str, Any]:
    """`value`, `error`, `interval`, `n`, `floor`, `flags` and `note` of a `SetPart`: `confidence` and `right` (N,).

    `floor` is the mean of what methods score that are right as often as they say, with as many pictures; `error` that
    of resampled pictures. Below six pictures there is neither.
    """
    n = len(confidence)
    found: dict[str, Any] = {"value": None, "error": None, "interval": None, "n": n, "floor": None, "flags": []}
    if not n:
        return {**found, "note": "no picture shows any of the classes"}
    found["value"] = calibration_error(confidence, right, metric.bins)
    if n < MIN_ITEMS:
        return {**found, "note": f"below {MIN_ITEMS} pictures there is no floor"}
    rng = keyed_generator(text_key(f"calibration|{n}"))
    drawn = rng.random((DRAWS, n)) < confidence
    found["floor"] = float(np.mean([calibration_error(confidence, one.astype(float), metric.bins) for one in drawn]))
    again = rng.integers(0, n, (DRAWS, n))
    found["error"] = float(
        np.std([calibration_error(confidence[one], right[one], metric.bins) for one in again], ddof=1)
    )
    return {**found, "note": "floor: of methods that are right as often as they say, with as many pictures"}


def calibration_error(confidence: Floats, right: Floats, bins: int) -> float:
    """Σ over bins of |share of right ones − mean confidence| × share of pictures; bins are (i/bins, (i+1)/bins]."""
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(places, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))
