"""The matrix of least nuclear norm that fits the measurements: the convex relaxation of a low rank."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.matrix._factors import size_of
from noisebench.methods.matrix._held_out import chosen_by_held_out
from noisebench.methods.matrix._spectra import shrunk

Loss = Literal["squared", "absolute"]
HALVINGS = 10
STILL = 1e-6
"""A matrix that changes by less than this part of its size in a step is the solution."""


@nb.method("nuclear_norm", track="matrix", blind=True, cite="Mazumder, Hastie & Tibshirani 2010; Chambolle & Pock 2011")
def nuclear_norm(
    given: Any,
    info: Any,
    *,
    loss: Loss = "squared",
    lam: Annotated[float, Gt(0), Le(1)] | None = None,
    steps: Annotated[int, Ge(1), Le(100_000)] = 300,
) -> Any:
    """min over X of Σ l(<A_i, X> − y_i) + λ ‖X‖_*, (p, q) float64; X stays positive semidefinite where it is `psd`.

    loss: l is half the square, or the absolute value, which outliers move little. lam: λ over the least one at which X
    is 0; default: of 1/2, 1/4, … 1/1024 the one with the least absolute error on a fifth of the measurements, which are
    held out for it. steps: of the primal-dual method (Chambolle & Pock 2011), for each λ, from the matrix before. Of
    entries, with the squared loss, it is the problem of Soft-Impute (Mazumder et al. 2010).
    """
    if not size_of(given):
        return np.zeros(given.shape)
    bound = _norm(given.operator)
    grid = [2.0**-k for k in range(1, HALVINGS + 1)]

    def solve(part: Any, share: float, before: Any) -> Any:
        return _solved(part, loss, share, bound, steps, before)

    if lam is None:
        best, matrix = chosen_by_held_out(given, info, grid, solve)
        return solve(given, best, matrix)
    matrix = None
    for share in [share for share in grid if share > lam]:
        matrix = solve(given, share, matrix)
    return solve(given, lam, matrix)


def _norm(operator: Any) -> float:
    """The largest singular value of an operator, by 40 rounds of the power method, and 2 % for what these leave."""
    x = np.cos(np.arange(operator.shape[0] * operator.shape[1], dtype=float)).reshape(operator.shape)
    value = 0.0
    for _ in range(40):
        x = operator.adjoint(operator.measure(x / np.linalg.norm(x)))
        value = float(np.linalg.norm(x))
    return 1.02 * float(np.sqrt(value))


def _solved(given: Any, loss: Loss, share: float, bound: float, steps: int, before: Any) -> Any:
    operator, y, psd = given.operator, given.y, given.psd
    pull = operator.adjoint(y if loss == "squared" else np.sign(y))
    lam = share * float(np.linalg.norm((pull + pull.T) / 2 if psd else pull, 2))
    # The two step sizes have the product 1 / bound², and the ratio of the sizes of what they change.
    dual = float(np.median(np.abs(y))) or 1.0
    ratio = (size_of(given) or 1.0) / ((dual if loss == "squared" else 1.0) * np.sqrt(len(y)))
    primal_step, dual_step = ratio / bound, 1 / (ratio * bound)
    x = np.zeros(given.shape) if before is None else before
    residuals = operator.measure(x) - y
    z = residuals if loss == "squared" else np.sign(residuals)
    leading = x
    for _ in range(steps):
        z = z + dual_step * (operator.measure(leading) - y)
        z = z / (1 + dual_step) if loss == "squared" else np.clip(z, -1, 1)
        new = shrunk(x - primal_step * operator.adjoint(z), primal_step * lam, psd)
        changed = float(np.linalg.norm(new - x))
        x, leading = new, 2 * new - x
        if changed <= STILL * np.linalg.norm(x):
            break
    return x
