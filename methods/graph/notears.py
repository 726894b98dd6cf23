"""NOTEARS: least squares with a penalty, cycles forbidden by the trace of an exponential."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._settings import Penalty, Threshold

ENOUGH, LARGEST = 1e-8, 1e16
"""The sum of cycles at which the search ends, and the weight of their penalty at which it gives up."""


@nb.method(
    "notears",
    track="graph",
    blind=True,
    cite="X. Zheng, B. Aragam, P. Ravikumar, E. P. Xing, DAGs with NO TEARS, NeurIPS 2018",
)
def notears(
    samples: Any,
    info: Any,
    *,
    lam: Penalty = 0.1,
    threshold: Threshold = 0.3,
    rounds: Annotated[int, Ge(1), Le(1000)] = 100,
    shrink: Annotated[float, Gt(0), Le(1)] = 0.25,
) -> Any:
    """Minimises ‖X − XW‖² / (2 N) + lam |W| where tr exp(W∘W) = d, weights (d, d).

    By an augmented Lagrangian and L-BFGS-B on the positive and negative parts of W (Zheng et al. 2018): the weight of
    the penalty rises tenfold until the constraint falls to `shrink` of what it was. Weights up to `threshold` are
    dropped, then the smallest until there is no cycle.
    """
    from scipy.linalg import expm
    from scipy.optimize import minimize

    size = samples.shape[1]
    centred = samples - samples.mean(axis=0)
    cov = centred.T @ centred / len(centred)
    eye = np.eye(size)
    free = [(0, 0) if i == j else (0, None) for _ in range(2) for i in range(size) for j in range(size)]

    def weights_of(parts: Any) -> Any:
        return (parts[: size * size] - parts[size * size :]).reshape(size, size)

    def cycles(weights: Any) -> tuple[Any, Any]:
        grown = expm(weights * weights)
        return np.trace(grown) - size, grown.T * weights * 2

    def objective(parts: Any, rho: float, alpha: float) -> tuple[Any, Any]:
        weights = weights_of(parts)
        i_minus_w = eye - weights
        rest = cov @ i_minus_w
        amount, slope = cycles(weights)
        value = (i_minus_w * rest).sum() / 2 + rho / 2 * amount**2 + alpha * amount + lam * parts.sum()
        gradient = (-rest + (rho * amount + alpha) * slope).ravel()
        # Steps of the line search that go too far have no finite value, and are taken back.
        return np.nan_to_num(value, nan=np.inf), np.nan_to_num(np.concatenate([gradient + lam, -gradient + lam]))

    parts, rho, alpha, before = np.zeros(2 * size * size), 1.0, 0.0, np.inf
    for done in range(rounds):
        info.progress(done, rounds)
        while True:
            with np.errstate(over="ignore", invalid="ignore"):
                solution = minimize(objective, parts, args=(rho, alpha), method="L-BFGS-B", jac=True, bounds=free).x
            amount = float(cycles(weights_of(solution))[0])
            if amount <= shrink * before or rho >= LARGEST:
                break
            rho *= 10
        parts, before = solution, amount
        alpha += rho * amount
        if amount <= ENOUGH or rho >= LARGEST:
            break
    return pruned(weights_of(parts), threshold)
