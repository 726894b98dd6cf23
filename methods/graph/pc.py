"""PC: edges that no set of other variables explains away, directed where independences say so."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt, Lt
from noisebench.methods.graph._causal_learn import edges_of, search
from noisebench.methods.graph._regressed import regressed


@nb.method("pc", track="graph", blind=True, cite="P. Spirtes, C. Glymour, Causation, prediction, and search, 1993")
def pc(samples: Any, info: Any, *, alpha: Annotated[float, Gt(0), Lt(1)] = 0.01) -> Any:
    """The stable PC algorithm of causal-learn with Fisher's z at level alpha: a CPDAG, weights (d, d) by least squares.

    An edge whose direction normal noise cannot tell has none. Raises `Skip` where causal-learn is not installed.
    """
    result = search("ConstraintBased.PC").pc(samples, alpha, "fisherz", show_progress=False)
    return regressed(samples, edges_of(result.G.graph))
