"""Gradient descent of the squared error in the factors of the matrix, from the start of `subgm`."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
from annotated_types import Gt, Le
from noisebench.methods.matrix._factors import FactorRank, Start, Steps, descend, size_of


@nb.method("squared_loss", track="matrix", blind=True, cite="Gunasekar et al. 2017; Li, Ma & Zhang 2018")
def squared_loss(
    given: Any,
    info: Any,
    *,
    rank: FactorRank = "full",
    alpha: Start = 1e-3,
    eta: Annotated[float, Gt(0), Le(100)] = 0.1,
    steps: Steps = 1000,
) -> Any:
    """min over U of (1/2m) Σ (<A_i, UUᵀ> − y_i)² by gradient descent, (p, q) float64.

    rank, alpha: as of `subgm`, whose start it has. eta: the step, over the size of the matrix. steps: how many; with
    noise fewer of them are a regulariser. Small starts find low ranks where measurements are clean (Gunasekar et al.
    2017; Li, Ma & Zhang 2018), and it follows every outlier. Raises `Invalid` where it diverges: make eta smaller.
    """
    operator = given.operator
    factor = 2 * eta / (operator.count * operator.gain**2 * (size_of(given) or 1.0))
    return descend(given, info, rank, alpha, steps, lambda t, residuals: factor * residuals)
