"""Boards that tell no two of their methods apart: said in words, with how many units would. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..statistics.exact_scores import compared, is_exact
from ..statistics.paired_tests import MIN_ITEMS, Floats, paired_difference
from ..statistics.sample_size import MOST, units_needed
from .detectable_difference import amount
from .rows import Column, Row
from .units import Units


def undecided(rows: Sequence[Row], column: Column | None, units: Units, words: Mapping[str, str]) -> str:
    """That rows which `rank` put in order by `column` are not told apart, and what would; nothing where some are.

    It plans for the first against the baseline, or the last where that is none of the others, and against the second;
    not where trainings vary too, of which more are needed as well.
    """
    ranked = [row for row in rows if not row.unranked]
    if column is None or len(ranked) < 2 or any(row.apart for row in ranked):
        return ""
    values = np.stack([row.scores[column.label].values for row in ranked])
    values = values[:, compared(values, column.higher)]
    n, contenders = values.shape[1], len(ranked) - int(is_exact(values, column.higher).all(axis=1).sum())
    minimum = f", and the test needs {MIN_ITEMS}" if n < MIN_ITEMS else ""
    seeds = len(ranked[0].keys)
    trainings = f" and {seeds} trainings of each network" if any(row.trained_anew for row in ranked) else ""
    sentence = (
        f"This board cannot tell its {len(ranked)} methods apart with {units.number(n, words)}{trainings}{minimum}"
    )
    if trainings:
        return f"{sentence}. More trainings would tell more: five tell far more than three."
    baseline = next((i for i, row in enumerate(ranked) if i and row.role == "baseline"), len(ranked) - 1)
    pairs = max(1, contenders * (contenders - 1) // 2)
    plans = [
        _plan(paired_difference(values[0], values[other]), pairs, ranked[0].label, ranked[other].label, column,
              units.words(words))
        for other in dict.fromkeys((baseline, 1))
    ]  # fmt: skip
    return f"{sentence}. Going by the differences seen here, {', and '.join(plans)}."


def _plan(difference: Floats, pairs: int, first: str, other: str, column: Column, of: str) -> str:
    """`about 14 pictures would show that a is better than b (by 3.20 dB)`, where `of` is what is counted."""
    n, mean = len(difference), float(difference.mean())
    if np.isfinite(mean) and abs(mean) <= 1e-9 * np.abs(difference).max():
        return f"no number of {of} would tell {first} and {other} apart: their means are equal"
    by = f" (by {amount(abs(mean), column)})" if np.isfinite(mean) else ""
    better = f"{first} is better than {other}{by}"
    needed = units_needed(difference, pairs)
    if needed is None:
        return f"one is too few to say how many {of} would show that {better}"
    # What was seen with n is not enough, whatever the plan says.
    needed = max(needed, n + 1)
    # More than two digits would say that the plan is exact.
    step = 10 ** max(0, len(str(needed)) - 2)
    about = f"more than {MOST:,}" if needed > MOST else f"about {-(-needed // step) * step:,}"
    return f"{about} {of} would show that {better}"
