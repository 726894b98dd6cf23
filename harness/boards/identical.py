"""Items on which a method is exact: their score is infinite, which is no number to average or to test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..statistics.paired_tests import Floats
from .rows import Column, Row, Score


def is_exact(values: Floats, higher: bool) -> npt.NDArray[np.bool_]:
    """Which scores are infinitely good."""
    found: npt.NDArray[np.bool_] = values == (np.inf if higher else -np.inf)
    return found


def averageable(values: Floats, higher: bool) -> bool:
    """Whether scores (n,) have a mean once exact items are left out: none is undefined, none infinitely bad."""
    return bool((np.isfinite(values) | is_exact(values, higher)).all())


def compared(values: Floats, higher: bool) -> npt.NDArray[np.bool_]:
    """The items (n,) on which methods are compared by their scores (M, n): those that none of them has exact.

    A method that has every item exact takes none of them from the others.
    """
    perfect = is_exact(values, higher)
    kept: npt.NDArray[np.bool_] = ~np.any(perfect[~perfect.all(axis=1)], axis=0)
    return kept


def means(values: Floats, higher: bool) -> Floats:
    """Means (M,) of scores (M, n) over the items on which methods are compared; NaN where there is no such item."""
    kept = values[:, compared(values, higher)]
    return kept.mean(axis=1) if kept.shape[1] else np.full(len(values), np.nan)


def average_compared(rows: Sequence[Row], columns: Sequence[Column], items: str) -> tuple[list[Row], list[str]]:
    """Rows whose means are over the items on which their methods are compared, and what must be known of that.

    A row that takes no rank has the mean of those of them that it has not exact. `items` is what is counted.
    """
    scores = [dict(row.scores) for row in rows]
    notes = []
    for column in columns:
        label = column.label
        perfect = [is_exact(own[label].values, column.higher) for own in scores]
        if not any(p.any() for p in perfect):
            continue
        fair = [
            row.scores[label].values
            for row in rows
            if not row.unranked and not row.oracle and averageable(row.scores[label].values, column.higher)
        ]
        kept = compared(np.stack(fair), column.higher) if fair else ~perfect[0]
        for own, identical in zip(scores, perfect, strict=True):
            own[label] = _averaged(own[label], identical, kept, int(is_exact(own[label].by_item, column.higher).sum()))
        if not kept.all():
            notes.append(
                f"{label}: means, ranks and differences are over the {int(kept.sum())} of {len(kept)} "
                f"{items} on which no method is exact"
            )
    return [replace(row, scores=own) for row, own in zip(rows, scores, strict=True)], notes


def _averaged(score: Score, identical: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], count: int) -> Score:
    own = kept & ~identical if (kept & ~identical).any() else ~identical
    if not own.any() or np.isnan(score.mean):
        return replace(score, identical=count)
    return replace(score, mean=float(score.values[own].mean()), identical=count)
