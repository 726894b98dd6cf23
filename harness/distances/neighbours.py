"""Precision and recall, density and coverage of a set of samples, by the nearest neighbours in a feature space."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..text.errors import UsageError
from .moments import BLOCK, Float, check_finite, feature_rows, same_width
from .pairwise import pairwise_distances


def precision(real: Any, generated: Any, k: int = 3) -> float:
    """The share of `generated` (m, d) that lies in a ball of a row of `real` (n, d): Kynkäänniemi et al., NeurIPS 2019.

    The ball of a row reaches to its `k`-th nearest other row of its own set. Recall is the same with the sets
    exchanged. Raises `UsageError` for fewer than k + 1 rows that have balls.
    """
    hits = _hits(real, generated, k)
    return float((hits > 0).mean())


def density(real: Any, generated: Any, k: int = 5) -> float:
    """In how many balls of `real` a row of `generated` lies, over `k`: Naeem et al., ICML 2020. May be above 1."""
    return float(_hits(real, generated, k).mean()) / k


def coverage(real: Any, generated: Any, k: int = 5) -> float:
    """The share of `real` whose ball has a row of `generated` in it: Naeem et al., ICML 2020."""
    x, y = _rows(real, generated)
    reach = _reach(x, k)
    nearest = np.concatenate([pairwise_distances(x[i : i + BLOCK], y).min(axis=1) for i in range(0, len(x), BLOCK)])
    return float((nearest < reach).mean())


def _hits(real: Any, generated: Any, k: int) -> npt.NDArray[np.int64]:
    """In how many balls of `real` each row of `generated` lies."""
    x, y = _rows(real, generated)
    reach = _reach(x, k)
    return np.concatenate(
        [(pairwise_distances(y[i : i + BLOCK], x) < reach).sum(axis=1) for i in range(0, len(y), BLOCK)]
    )


def _rows(real: Any, generated: Any) -> tuple[Float, Float]:
    x, y = feature_rows(real, "real"), feature_rows(generated, "generated", least=1)
    same_width(x.shape[1], y.shape[1])
    check_finite(x, "real")
    check_finite(y, "generated")
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def _reach(x: Float, k: int) -> Float:
    """How far the k-th nearest other row of each is."""
    if not 1 <= k < len(x):
        raise UsageError(f"k={k} neighbours of {len(x)} rows: give from 1 to {len(x) - 1}")
    reaches = []
    for i in range(0, len(x), BLOCK):
        apart = pairwise_distances(x[i : i + BLOCK], x)
        apart[np.arange(len(apart)), np.arange(i, i + len(apart))] = -1  # itself comes first, equal rows behind it
        reaches.append(np.partition(apart, k, axis=1)[:, k])
    return np.concatenate(reaches)
