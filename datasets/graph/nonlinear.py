"""Random graphs whose variables are nonlinear functions of their causes: additive-noise models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.datasets.graph._random import Count, Nodes, RandomGraphs, SampleCount
from noisebench.datasets.graph.erdos_renyi import erdos_renyi
from noisebench.datasets.graph.scale_free import scale_free
from noisebench.tracks.graph.mechanisms import Mechanism, NonlinearDag, nonlinear_dag


class Nonlinear:
    """The edges of random graphs, with a function for each variable in place of the weights."""

    def __init__(self, of: RandomGraphs, mechanism: Mechanism) -> None:
        self._of, self._mechanism = of, mechanism
        self.ids: Sequence[str] = [f"nonlinear_{name}" for name in of.ids]

    def load(self, index: int) -> NonlinearDag:
        """Graph `index`."""
        linear = self._of.load(index)
        return nonlinear_dag(self.ids[index], linear.weights, linear.count, self._mechanism)


@nb.dataset(
    "nonlinear",
    track="graph",
    licence="CC0-1.0 (made here)",
    citation="X. Zheng, C. Dan, B. Aragam, P. Ravikumar, E. P. Xing, Learning sparse nonparametric DAGs, AISTATS 2020",
)
def nonlinear(
    *,
    n: Count = 10,
    d: Nodes = 10,
    edges: Annotated[int, Ge(1), Le(1000)] = 2,
    samples: SampleCount = 1000,
    mechanism: Mechanism = "mlp",
    hubs: bool = False,
) -> Nonlinear:
    """The graphs of `erdos_renyi`, with hubs those of `scale_free`: X = f(causes) + noise, f drawn for each variable.

    mechanism: `mlp`, a network of 100 sigmoids with weights in ±[0.5, 2]; `gp`, a draw of a Gaussian process of length
    and deviation 1. Edges and noise levels are known, weights are not. `samples` are made of each.
    """
    if hubs:
        return Nonlinear(scale_free(n=n, d=d, edges=edges, samples=samples), mechanism)
    return Nonlinear(erdos_renyi(n=n, d=d, edges=float(edges), samples=samples), mechanism)
