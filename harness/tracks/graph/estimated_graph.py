"""A graph as a method found it, and as the protocol leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from .dag import Floats
from .edges import Edges, is_acyclic


@dataclass(frozen=True, eq=False)
class EstimatedGraph:
    """Weights (d, d) and noise levels (d,)."""

    weights: Floats
    levels: Floats

    @cached_property
    def edges(self) -> Edges:
        """(d, d): where a weight is not 0."""
        edges: Edges = self.weights != 0
        return edges

    @cached_property
    def acyclic(self) -> bool:
        """Whether it is a directed acyclic graph; with an edge without direction it is none."""
        return is_acyclic(self.edges)
