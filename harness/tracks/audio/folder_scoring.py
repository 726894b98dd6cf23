"""Score two folders of sound files, paired by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...boards.signature import folder_signature
from ...components.calls import metric_value
from ...components.registry import Bound, bind, bind_all, registry
from ...text.errors import NotDefined, UsageError, one_line, refuse_all
from .clip import Clip
from .scored import Restored


def score_folders(
    restored: str, clean: str, protocol: str, metrics: Sequence[str]
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]], str]:
    """A row a clip with its scores, no set metric, and the signature of all scores.

    Sound files are read as by the dataset `pairs`, without their means. Raises `UsageError`.
    """
    rules, measures = bind(protocol, "protocol", "audio"), bind_all(metrics, "metric", "audio")
    pairs = registry("dataset", "audio").get("pairs").obj(clean=clean, noisy=restored)
    rows: list[dict[str, Any]] = []
    mistakes = []
    for index in range(len(pairs.ids)):
        try:
            rows.append(_row(pairs.load(index), rules, measures))
        except UsageError as error:
            mistakes.append(str(error))
    refuse_all(mistakes, len(pairs.ids), "pairs")
    return rows, {}, folder_signature(measures, rules, f"{len(rows)} clips")


def _row(pair: Clip, rules: Bound, measures: Sequence[Bound]) -> dict[str, Any]:
    output = pair.posed
    if not np.isfinite(output).all():
        raise UsageError(f"restored {one_line(pair.id, 60)!r} has values that are not finite")
    ours, truth, rate = rules.entry.obj(output, pair.wave, pair.rate, **rules.kwargs)
    scored = Restored(ours, truth, rate, output, pair)
    scores = {metric.display: metric_value(metric, scored) for metric in measures}
    why = "; ".join(f"{m}: {v.reason}" for m, v in scores.items() if isinstance(v, NotDefined))
    return {"item": pair.id, "scores": {m: float(v) for m, v in scores.items()}, "note": why}
