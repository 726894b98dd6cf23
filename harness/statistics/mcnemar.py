"""McNemar's exact test of two methods whose scores are 0 or 1 on the same items, such as right and wrong answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .paired_tests import Floats


def is_binary(scores: Floats) -> bool:
    """Whether there are scores, and all are 0 or 1."""
    return bool(scores.size and np.isin(scores, (0.0, 1.0)).all())


def mcnemar(better: npt.ArrayLike, worse: npt.ArrayLike) -> Floats:
    """Two-sided p of the split of the items on which two methods differ, if each side is equally likely.

    Exact: twice the smaller tail of the binomial of better + worse items at one half (McNemar 1947). Items on which
    both are right, or both wrong, say nothing of the difference. Counts are of any shape.
    """
    from scipy.special import bdtr

    one, other = np.asarray(better, np.int64), np.asarray(worse, np.int64)
    p: Floats = np.minimum(1.0, 2.0 * bdtr(np.minimum(one, other).astype(float), one + other, 0.5))
    return p


def mcnemar_of_all(wins: npt.NDArray[Any]) -> Floats:
    """p of each pair, (M, M), from `wins` of the row over the column: all pairs at once, by Holm's step-down (1979)."""
    pairs = np.triu_indices(len(wins), 1)
    p = mcnemar(wins[pairs], wins.T[pairs])
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    table = np.ones(wins.shape)
    table[pairs] = table.T[pairs] = adjusted
    return table
