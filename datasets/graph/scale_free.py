"""Scale-free random graphs of Barabási and Albert: a few variables have very many edges."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.graph._random import Count, Nodes, RandomGraphs, SampleCount, Weight


@nb.dataset("scale_free", track="graph", licence="CC0-1.0 (made here)")
def scale_free(
    *,
    n: Count = 10,
    d: Nodes = 10,
    edges: Annotated[int, Ge(1), Le(1000)] = 2,
    samples: SampleCount = 1000,
    low: Weight = 0.5,
    high: Weight = 2.0,
) -> RandomGraphs:
    """n graphs that grow variable by variable, each a cause of `edges` older ones, weights uniform in ±[low, high].

    Older ones are drawn by how many edges they have already (Barabási & Albert 1999), so that few are effects of many.
    The first `edges` variables have no effect. `samples` are made of each. Raises `UsageError` for d that is no larger
    than `edges`.
    """
    if d <= edges:
        raise nb.UsageError(f"scale_free: d={d} is not above edges={edges}: give a larger d")

    def wire(rng: np.random.Generator) -> Any:
        adjacency = np.zeros((d, d), dtype=bool)
        ends, older = list[int](), list(range(edges))
        for new in range(edges, d):
            adjacency[new, older] = True
            ends += [*older, *([new] * edges)]
            drawn = set[int]()
            while len(drawn) < edges:
                drawn.add(ends[int(rng.integers(len(ends)))])
            older = sorted(drawn)
        return adjacency

    return RandomGraphs("scale_free", f"{d}|{edges}", n, wire, samples, low, high)
