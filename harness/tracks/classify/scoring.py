"""Scores of what a classifier gives of one picture: logits, and maps or a radius where it gives these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...components.calls import metric_value, read_only
from ...components.registry import Bound
from ...text.errors import NotDefined
from ...track.posed_case import Case
from .explanation import Explanation, unpacked
from .labelled_picture import NO_CLASS, LabelledPicture


def score_logits(
    output: Any, item: LabelledPicture, case: Case, protocol: Bound, metrics: Sequence[Bound]
) -> dict[str, float]:
    """Scores by display form of the metric, of log-probabilities as the protocol makes them of logits."""
    classes = len(item.classes)
    logits, maps = unpacked(output, case.given.shape[:2]) if output.ndim == 2 else (output[:classes], ())
    log_p = read_only(protocol.entry.obj(logits, **protocol.kwargs))
    maps = tuple(map(read_only, maps))
    scores: dict[str, float] = {}
    for metric in metrics:
        value: float
        if item.label == NO_CLASS:
            value = NotDefined("it shows none of the classes")
        elif metric.entry.meta["maps"]:
            second = maps[1] if len(maps) > 1 else None
            explanation = Explanation(log_p, maps[0], second, item.label, item.regions) if maps else None
            value = metric_value(metric, explanation) if explanation else NotDefined("gives no maps")
        elif not metric.entry.meta["radius"]:
            value = metric_value(metric, log_p, item.label)
        elif len(output) > classes:
            value = metric_value(metric, log_p, item.label, float(output[classes]))
        else:
            value = NotDefined("the method certifies nothing")
        scores[metric.display] = value
    return scores
