"""The means of a board without the items on which a method is exact, and their number beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import structs

from ..statistics.exact_scores import averageable, compared, is_exact
from .rows import Column, Row, Score


def average_compared(rows: Sequence[Row], columns: Sequence[Column], items: str) -> tuple[list[Row], list[str]]:
    """Rows whose means are over the items on which their methods are compared, and what must be known of that.

    A row that takes no rank has the mean of those of them that it has not exact. `items` is what is counted.
    """
    notes = []
    scores: list[dict[str, Score]] = []
    for column in columns:
        label = column.label
        if left_out := max((row.scores[label].left_out for row in rows if not row.oracle), default=0):
            stored = len(rows[0].keys) * len(rows[0].scores[label].by_item)
            notes.append(
                f"{label}: in no mean: {left_out} of the {stored} scores of each method, where one is exact with one "
                "seed and not with another"
            )
        perfect = [is_exact(row.scores[label].values, column.higher) for row in rows]
        if not any(p.any() for p in perfect):
            continue
        scores = scores or [dict(row.scores) for row in rows]
        fair = [
            row.scores[label].values
            for row in rows
            if not row.unranked and not row.oracle and averageable(row.scores[label].values, column.higher)
        ]
        kept = compared(np.stack(fair), column.higher) if fair else ~perfect[0]
        for of_row, identical in zip(scores, perfect, strict=True):
            of_row[label] = _averaged(
                of_row[label], identical, kept, int(is_exact(of_row[label].by_item, column.higher).sum())
            )
        if not kept.all():
            notes.append(
                f"{label}: means, ranks and differences are over the {int(kept.sum())} of {len(kept)} "
                f"{items} on which no method is exact"
            )
    if not scores:
        return list(rows), notes
    return [structs.replace(row, scores=of_row) for row, of_row in zip(rows, scores, strict=True)], notes


def _averaged(score: Score, identical: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], count: int) -> Score:
    counted = kept & ~identical if (kept & ~identical).any() else ~identical
    if not counted.any() or np.isnan(score.mean):
        return structs.replace(score, identical=count)
    return structs.replace(score, mean=float(score.values[counted].mean()), identical=count)
