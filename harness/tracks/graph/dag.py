"""An item of `graph`: a directed acyclic graph with weights, whose samples a regime makes, or samples as measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .edges import is_acyclic

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearDag:
    """A graph of d variables: `weights` (d, d), where `weights[i, j]` is the effect of i on j, 0 where there is none.

    A regime makes `count` samples of it. Where `values` (N, d) were measured, these are the samples, `count` is N, and
    a weight says only that there is an edge.
    """

    id: str
    weights: Floats
    count: int
    values: Floats | None = None


def weighted_dag(name: str, weights: Any, count: int) -> LinearDag:
    """A graph of known weights (d, d). Raises ValueError for what is no acyclic graph of two variables or more."""
    checked = _square(weights)
    if count < 2:
        raise ValueError(f"a graph has 2 samples or more, not {count}")
    return LinearDag(name, checked, int(count))


def measured_dag(name: str, values: Any, edges: Any) -> LinearDag:
    """Measured samples (N, d), and the graph (d, d) held for true: not 0 where i has an effect on j.

    Raises ValueError for shapes that do not fit, values that are not finite, a constant variable, and a cycle.
    """
    graph = (_square(edges) != 0).astype(np.float64)
    samples = np.ascontiguousarray(values, dtype=np.float64)
    if samples.ndim != 2 or samples.shape[1] != len(graph) or len(samples) < 2:
        raise ValueError(f"samples (N, {len(graph)}) of two rows or more are due for this graph, not {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError("a sample is not finite")
    if (samples == samples[0]).all(axis=0).any():
        raise ValueError(f"variable {int((samples == samples[0]).all(axis=0).argmax())} has one value alone")
    return LinearDag(name, graph, len(samples), samples)


def _square(weights: Any) -> Floats:
    square = np.ascontiguousarray(weights, dtype=np.float64)
    if square.ndim != 2 or square.shape[0] != square.shape[1] or len(square) < 2:
        raise ValueError(f"a graph is (d, d) with d of 2 or more, not {square.shape}")
    if not np.isfinite(square).all():
        raise ValueError("a weight is not finite")
    if not is_acyclic(square != 0):
        raise ValueError("its edges form a cycle")
    return square
