"""Energy distance of two sets: a distance of laws, from mean distances of pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..text.errors import UsageError
from .moments import BLOCK, check_finite, feature_rows, same_width
from .pairwise import pairwise_distances


def mean_distance(a: Any, b: Any, *, same: bool = False) -> float:
    """The mean Euclidean distance of rows of `a` (m, d) and of `b` (n, d); with `same`, of two different rows of `a`.

    In blocks, so that memory is that of the rows. Raises `UsageError` for anything but two sets of finite rows.
    """
    x, y = feature_rows(a, "a", least=2 if same else 1), feature_rows(b, "b", least=1)
    same_width(x.shape[1], y.shape[1])
    check_finite(x, "a")
    check_finite(y, "b")
    rows, others = np.asarray(x, np.float64), np.asarray(y, np.float64)
    total = 0.0
    for i in range(0, len(rows), BLOCK):
        apart = pairwise_distances(rows[i : i + BLOCK], others)
        if same:
            apart[np.arange(len(apart)), np.arange(i, i + len(apart))] = 0
        total += float(apart.sum())
    return total / (len(x) * (len(x) - 1) if same else len(x) * len(y))


def energy_distance(a: Any, b: Any, *, within_b: float | None = None) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of rows of `a` (m, d) and `b` (n, d), every pair once (Székely & Rizzo 2013).

    Unbiased: 0 in the mean for sets of one law, and it may be below. `within_b` is E|Y - Y'|, where it is known
    already. Raises `UsageError` as `mean_distance` does.
    """
    if within_b is None:
        within_b = mean_distance(b, b, same=True)
    if not math.isfinite(within_b):
        raise UsageError(f"the mean distance within b is {within_b}: give a finite number")
    return 2 * mean_distance(a, b) - mean_distance(a, a, same=True) - within_b
