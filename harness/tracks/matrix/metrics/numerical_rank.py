from __future__ import annotations

from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from ....components.decorators import metric
from ..scored import Recovery


@metric("numerical_rank", title="numerical rank", track="matrix", higher=False, order=10, decimals=1, goal="none")
def numerical_rank(recovery: Recovery, *, above: Annotated[float, Gt(0), Lt(1)] = 0.01) -> float:
    """Singular values of the recovered matrix above `above` times the largest; 0 for the matrix 0.

    That of the row `oracle` is the one to come near to: of two recoveries the one of lower rank need not be the better.
    """
    values = np.linalg.svd(recovery.matrix, compute_uv=False)
    return float((values > above * values[0]).sum())
