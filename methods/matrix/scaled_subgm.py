"""Scaled sub-gradients of the absolute error: each factor's step is divided by the size of the other."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from noisebench.methods.matrix._factors import Steps, size_of

_TRIMMED = 3.0
"""Measurements of more than so many medians take no part in the start."""


@nb.method(
    "scaled_subgm",
    track="matrix",
    blind=True,
    cite="T. Tong, C. Ma, Y. Chi, Low-rank matrix recovery with scaled subgradient methods, IEEE TSP 69, 2021",
)
def scaled_subgm(
    given: Any,
    info: Any,
    *,
    rank: Annotated[int, Ge(1), Le(5_000)] | None = None,
    eta0: Annotated[float, Gt(0), Le(100)] = 0.1,
    rho: Annotated[float, Gt(0), Lt(1)] = 0.98,
    steps: Steps = 500,
) -> Any:
    """min over L, R of (1/m) Σ |<A_i, LRᵀ> − y_i|, whose rate does not fall with the condition number, (p, q) float64.

    rank: that of the matrix, which must be known; default the one that is told. The start is the matrix of that rank
    nearest to A*(y), of measurements up to three medians. A step is L ← L − eta S R (RᵀR)⁻¹, R ← R − eta Sᵀ L (LᵀL)⁻¹,
    with S a sub-gradient; eta0 · rhoᵗ is about how far the matrix moves, in units of its size (Tong, Ma & Chi 2021).
    """
    operator, y = given.operator, given.y
    known = info.rank if rank is None else rank
    if known is None:
        raise nb.Skip("needs the rank: give rank=, or a set with tells_rank=true")
    size, known = size_of(given), min(known, *given.shape)
    if not size:
        return np.zeros(given.shape)
    kept = np.where(np.abs(y) <= _TRIMMED * np.median(np.abs(y)), y, 0.0)
    columns, values, rows = np.linalg.svd(operator.adjoint(kept) / (operator.count * operator.gain**2))
    root = np.sqrt(np.maximum(values[:known], 1e-12 * values[0]))
    u, v = columns[:, :known] * root, rows[:known].T * root
    for t in info.each(range(steps)):
        slope = operator.adjoint(np.sign(operator.measure(u @ v.T) - y))
        to_u, to_v = slope @ v, slope.T @ u
        step_u, step_v = to_u @ np.linalg.pinv(v.T @ v), to_v @ np.linalg.pinv(u.T @ u)
        length = np.sqrt(max(float((to_u * step_u).sum() + (to_v * step_v).sum()), 0.0))
        if not length:
            break
        eta = eta0 * rho**t * size / length
        u, v = u - eta * step_u, v - eta * step_v
    product = u @ v.T
    return (product + product.T) / 2 if given.psd else product
