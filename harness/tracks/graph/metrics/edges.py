from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..dag import Floats
from ..found import Found
from ..sampling import Truth


@metric("edges", track="graph", order=8, decimals=1)
def edges(found: Found, truth: Truth, samples: Floats) -> float:
    """How many edges the graph has, with and without direction."""
    return float(np.triu(found.edges | found.edges.T).sum())
