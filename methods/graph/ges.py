"""GES: greedy search over equivalence classes of graphs by BIC."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.graph._causal_learn import edges_of, search
from noisebench.methods.graph._regressed import regressed


@nb.method(
    "ges",
    track="graph",
    blind=True,
    cite="D. M. Chickering, Optimal structure identification with greedy search, JMLR 2002",
)
def ges(samples: Any, info: Any) -> Any:
    """Greedy equivalence search of causal-learn by BIC: a CPDAG, weights (d, d) by least squares.

    Takes minutes from some 30 variables on. An edge whose direction normal noise cannot tell has none. Raises `Skip`
    where causal-learn is not installed.
    """
    cpdag = search("ScoreBased.GES").ges(samples, score_func="local_score_BIC")["G"]
    return regressed(samples, edges_of(cpdag.graph))
