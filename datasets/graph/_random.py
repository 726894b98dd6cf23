"""What datasets of random graphs share: keyed graphs, which are made when they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.tracks.graph import LinearDag, weighted_dag

Count = Annotated[int, Ge(1), Le(10_000)]
Nodes = Annotated[int, Ge(2), Le(2000)]
SampleCount = Annotated[int, Ge(2), Le(10_000_000)]
Weight = Annotated[float, Gt(0), Le(1e6)]
Wire = Callable[[np.random.Generator], Any]
"""A generator → the edges (d, d) of a graph, bool, from lower to higher numbers or the other way."""


class RandomGraphs:
    """Graphs each of which depends on its recipe and its own number alone; their names say what they are."""

    def __init__(self, name: str, recipe: str, n: int, wire: Wire, samples: int, low: float, high: float) -> None:
        if low > high:
            raise nb.UsageError(f"{name}: low={low:g} is above high={high:g}: give less for low")
        self.ids: Sequence[str] = [f"{name}_{i:0{max(2, len(str(n - 1)))}d}" for i in range(n)]
        self._recipe, self._wire = f"{name}|{recipe}|{low!r}|{high!r}", wire
        self._samples, self._low, self._high = samples, low, high

    def load(self, index: int) -> LinearDag:
        """Graph `index`: weights uniform in ±[low, high], variables in an order that tells nothing."""
        number = range(len(self.ids))[index]
        rng = nb.keyed_generator(nb.text_key(f"{self._recipe}|{number}"))
        edges = self._wire(rng)
        size = rng.uniform(self._low, self._high, edges.shape) * np.where(rng.random(edges.shape) < 0.5, -1.0, 1.0)
        order = rng.permutation(len(edges))
        return weighted_dag(self.ids[index], np.where(edges, size, 0.0)[np.ix_(order, order)], self._samples)
