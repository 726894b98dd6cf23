"""Sub-gradient descent of the absolute error in the factors of the matrix, from a small start."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le, Lt
from noisebench.methods.matrix._factors import FactorRank, Start, Steps, descend


def _ending(rho: float, steps: int | None) -> None:
    if steps is None and rho > 0.99999:
        raise nb.UsageError(
            f"subgm: rho={rho:.12g} takes {10 / (1 - rho):.3g} steps: give rho=0.99999 or less, or steps="
        )


@nb.method(
    "subgm",
    track="matrix",
    blind=True,
    cite="J. Ma, S. Fattahi, Global convergence of sub-gradient method for robust matrix recovery: small "
    "initialization, noisy measurements, and over-parameterization, 2022",
)
@nb.checked(_ending)
def subgm(
    given: Any,
    info: Any,
    *,
    rank: FactorRank = "full",
    alpha: Start = 1e-3,
    eta0: Annotated[float, Gt(0), Le(100)] = 0.1,
    rho: Annotated[float, Gt(0), Lt(1)] = 0.99,
    steps: Steps | None = None,
) -> Any:
    """min over U of (1/m) Σ |<A_i, UUᵀ> − y_i| by steps eta0 · rhoᵗ along sub-gradients, (p, q) float64.

    rank: columns of the factor, `full` for as many as the matrix can have; the true one need not be known, and more do
    no harm where the start is small. alpha: size of the start, in square roots of that of the matrix. eta0, rho: the
    first step and the factor of each next one. steps: default 10 / (1 − rho), where a step is 1/22,000 of the first.
    A start of alpha needs eta0 / (1 − rho) of about log(1 / alpha) or more, else the steps end before it has grown.

    D = (2/m) Σ sign(<A_i, UUᵀ> − y_i) A_i (Ma & Fattahi 2022, algorithm 1). Chosen here: the start, which the paper has
    of the sub-gradient at 0 as well, its unit, and that entries count as measurements of unit gain, so that steps mean
    the same for them. A matrix that is not `psd` has two factors, which the paper does not treat.
    """
    gain, m = given.operator.gain, given.operator.count
    count = round(10 / (1 - rho)) if steps is None else steps

    def direction(t: int, residuals: Any) -> Any:
        return eta0 * rho**t * 2 / (m * gain) * np.sign(residuals)

    return descend(given, info, rank, alpha, count, direction)
