"""Searches of causal-learn: a package that may be absent, and how its graphs are read."""

from __future__ import annotations

import importlib
from typing import Any

import noisebench as nb
import numpy as np


def search(module: str) -> Any:
    """A module of causal-learn, such as `ConstraintBased.PC`. Raises `Skip` where the package is not there."""
    try:
        return importlib.import_module(f"causallearn.search.{module}")
    except ImportError:
        raise nb.Skip(
            'needs the package causal-learn: pip install "noisebench[graph]"', needs="package causallearn"
        ) from None


def edges_of(marks: Any) -> Any:
    """Marks (d, d) of causal-learn → edges (d, d), bool, both ways set where there is no direction.

    `marks[j, i]` is 1 for an arrow's head at j and −1 for its tail, of an edge between i and j. Two heads, where
    samples contradict each other, are no direction.
    """
    joined = (marks != 0) & (marks.T != 0)
    only_head = (marks == 1) & (marks.T == -1)
    return np.where(only_head | only_head.T, only_head.T, joined)
