"""Descent in the factors of a matrix from a small start, which `subgm` and `squared_loss` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le

FactorRank = Annotated[int, Ge(1), Le(5_000)] | Literal["full"]
Start = Annotated[float, Gt(0), Le(1e3), nb.AxisLabel("start α")]
Steps = Annotated[int, Ge(1), Le(1_000_000), nb.AxisLabel("steps")]


def size_of(given: Any) -> float:
    """About the Frobenius norm of the matrix: of Gaussian measurements the median, which half of them cannot move."""
    return float(np.median(np.abs(given.y)) / (0.6745 * given.operator.gain))


def descend(
    given: Any,
    info: Any,
    rank: int | Literal["full"],
    alpha: float,
    steps: int,
    direction: Callable[[int, Any], Any],
) -> Any:
    """The matrix (p, q) after `steps` from the start `alpha`; it is U Uᵀ where it is `psd`, else U Vᵀ.

    `direction(t, r)` gives the weights (m,) of the measurement matrices for the residuals r (m,) at step t: with
    D = A*(weights) the step is U ← U − D V, V ← V − Dᵀ U, and V is U where the matrix is `psd`.

    The start is α √s B: s is about the Frobenius norm of the matrix, and B Bᵀ (or B_U B_Vᵀ) the largest `rank` of the
    singular values of A*(sign y), of a `psd` matrix of the eigenvalues above 0, over the largest of them.
    """
    operator, y = given.operator, given.y
    size = size_of(given)
    if not size:
        return np.zeros(given.shape)
    width = min(given.shape) if rank == "full" else min(rank, *given.shape)
    u, v = _start(operator.adjoint(np.sign(y)), width, given.psd)
    u, v = alpha * np.sqrt(size) * u, alpha * np.sqrt(size) * v
    for t in info.each(range(steps)):
        d = operator.adjoint(direction(t, operator.measure(u @ v.T) - y))
        if given.psd:
            u = v = u - d @ u
        else:
            u, v = u - d @ v, v - d.T @ u
    return u @ v.T


def _start(towards: Any, width: int, psd: bool) -> tuple[Any, Any]:
    if psd:
        values, vectors = np.linalg.eigh((towards + towards.T) / 2)
        order = np.argsort(-values)[:width]
        scale = np.sqrt(np.maximum(values[order], 0) / max(values[order[0]], 1e-300))
        u = vectors[:, order] * scale
        return u, u
    left_vectors, values, right_vectors = np.linalg.svd(towards, full_matrices=False)
    scale = np.sqrt(values[:width] / max(values[0], 1e-300))
    return left_vectors[:, :width] * scale, right_vectors[:width].T * scale
