"""Metrics of all pictures of a cell: what a classifier says of each is kept in its row, and scored at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...components.registry import Bound, bind
from ...text.errors import UsageError
from .labelled_picture import NO_CLASS, LabelledPicture

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What is said of N pictures that show a class.

    Each (N,): `confidence` is the probability of the likeliest class, `right` 1 where that is the true one, else 0;
    `label` is the true class, of so many as `classes` says, and `odds` the log odds of the second class, of two.
    """

    confidence: Floats
    right: Floats
    label: Floats
    classes: Floats
    odds: Floats


@dataclass(frozen=True)
class AnswerMetric:
    """What a metric of all pictures is.

    `of` makes of the answers what a `SetPart` has beside its names: `value`, `error`, `interval`, `n`, `floor`, `flags`
    and `note`. `features` says what of the answers is compared, in `d` numbers, and `reference` with what.
    """

    of: Callable[[Answers], dict[str, Any]]
    features: str
    reference: str
    d: int = 1


def plan_set(bound: Bound) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a set metric goes into a key, and the blank `SetPart`."""
    metric: AnswerMetric = bound.entry.obj(**bound.kwargs)
    part = {
        "version": bound.entry.version, "higher": bool(bound.entry.meta["higher"]), "unit": "",
        "features": metric.features, "features_sha256": "", "resize": "", "reference": metric.reference, "value": None,
        "error": None, "interval": None, "n": 0, "d": metric.d, "floor": None, "flags": [], "note": "not computed",
    }  # fmt: skip
    return {"version": bound.entry.version}, part


class AnswerCollector:
    """Takes what is said of each picture, then scores all of them.

    `taken` are the results of `take` for the pictures before. A picture that shows none of the classes counts for none.
    """

    def __init__(
        self, sets: Mapping[str, Any], folder: Path, n: int, *, protocol: Bound, taken: Iterable[Any] = ()
    ) -> None:
        self._bounds = {name: bind(name, "metric", "classify") for name in sets}
        self._protocol = protocol
        self._taken: list[Sequence[float]] = list(taken)

    def take(self, output: npt.NDArray[Any], item: LabelledPicture) -> list[float]:
        """A value of each array of `Answers`, or nothing."""
        if not isinstance(item, LabelledPicture):
            raise UsageError("set metrics are of labelled pictures")
        answer: list[float] = []
        if item.label != NO_CLASS:
            classes = len(item.classes)
            logits = (output[:, 0] if output.ndim == 2 else output)[:classes]
            log_p: Floats = self._protocol.entry.obj(logits, **self._protocol.kwargs)
            place = int(np.argmax(log_p))
            odds = float(log_p[1] - log_p[0]) if classes == 2 else 0.0
            answer = [float(np.exp(log_p[place])), float(place == item.label), float(item.label), float(classes), odds]
        self._taken.append(answer)
        return answer

    def score(self) -> dict[str, dict[str, Any]]:
        """The result of each metric, by name."""
        answers = Answers(*np.array([one for one in self._taken if one], np.float64).reshape(-1, 5).T)
        return {name: bound.entry.obj(**bound.kwargs).of(answers) for name, bound in self._bounds.items()}

    def clear(self) -> None:
        """There are no files: what is taken lies in the rows of the cell."""
