"""A Gaussian kernel between rows of values, and how far rows are from references by it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class GaussianKernel:
    """exp(-|a - b|² / 2h²), h the median distance of the references from each other."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        squared = squared_distances(rows, rows)
        off = squared[~np.eye(len(rows), dtype=bool)]
        self.twice = 2 * max(float(np.median(off)), 1e-300)

    def away(self, rows: Any) -> Any:
        """Minus the logarithm of the mean kernel with all references, (N,)."""
        return minus_log_mean(-squared_distances(rows, self.rows) / self.twice)

    def among(self) -> Any:
        """The same of each reference with all others."""
        logs = -squared_distances(self.rows, self.rows) / self.twice
        np.fill_diagonal(logs, -np.inf)
        return minus_log_mean(logs, len(logs) - 1)


def squared_distances(a: Any, b: Any) -> Any:
    """|a - b|² of rows (N, D) and (M, D), float64 (N, M)."""
    from scipy.spatial.distance import cdist

    return cdist(a, b, "sqeuclidean")


def minus_log_mean(logs: Any, count: int | None = None) -> Any:
    """Minus the logarithm of the mean over each row of values whose logarithms are given."""
    from scipy.special import logsumexp

    return math.log(count or logs.shape[1]) - logsumexp(logs, axis=1)
