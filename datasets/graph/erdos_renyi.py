"""Random graphs of Erdős and Rényi: every pair of variables is as likely to be joined."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.graph._random import Count, Nodes, RandomGraphs, SampleCount, Weight


@nb.dataset("erdos_renyi", track="graph", licence="CC0-1.0 (made here)")
def erdos_renyi(
    *,
    n: Count = 10,
    d: Nodes = 10,
    edges: Annotated[float, Ge(0), Le(1000)] = 2.0,
    samples: SampleCount = 1000,
    low: Weight = 0.5,
    high: Weight = 2.0,
) -> RandomGraphs:
    """n graphs of d variables with `edges` edges a variable (ER2, ER4), drawn among all pairs alike.

    Weights are uniform in ±[low, high], the true order is a random one. `samples` are made of each. Raises `UsageError`
    for more edges than pairs.
    """
    pairs, due = d * (d - 1) // 2, round(edges * d)
    if due > pairs:
        raise nb.UsageError(
            f"erdos_renyi: edges={edges:g} makes {due} edges, and d={d} variables have {pairs} pairs: give less"
        )

    def wire(rng: np.random.Generator) -> Any:
        cause, effect = np.triu_indices(d, 1)
        chosen = rng.choice(pairs, due, replace=False)
        adjacency = np.zeros((d, d), dtype=bool)
        adjacency[cause[chosen], effect[chosen]] = True
        return adjacency

    return RandomGraphs("erdos_renyi", f"{d}|{edges!r}", n, wire, samples, low, high)
