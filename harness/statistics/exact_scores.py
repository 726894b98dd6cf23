"""Items on which a method is exact: their score is infinite, which is no number to average or to test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .paired_tests import Floats


def is_exact(values: Floats, higher: bool) -> npt.NDArray[np.bool_]:
    """Which scores are infinitely good."""
    exact: npt.NDArray[np.bool_] = values == (np.inf if higher else -np.inf)
    return exact


def averageable(values: Floats, higher: bool) -> bool:
    """Whether scores (…, n) have a mean once exact items are left out: none is undefined, none infinitely bad."""
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


def mean_of(values: Sequence[float], higher: bool) -> tuple[float, int]:
    """The mean of the scores of one method, and how many are exact: those are left out, unless all are."""
    table = np.array([values], dtype=np.float64)
    return float(means(table, higher)[0]), int(is_exact(table, higher).sum())
