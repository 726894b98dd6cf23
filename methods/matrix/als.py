"""Alternating least squares: one factor of the matrix is fitted while the other is held."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.matrix._held_out import chosen_by_held_out
from noisebench.methods.matrix._spectra import cut_to_rank

TRIED = (1, 2, 3, 4, 6, 8, 12, 16)


@nb.method("als", track="matrix", blind=True, cite="Jain, Netrapalli & Sanghavi 2013")
def als(
    given: Any,
    info: Any,
    *,
    rank: Annotated[int, Ge(1), Le(5_000)] | None = None,
    ridge: Annotated[float, Ge(0), Le(1e6)] = 1e-3,
    rounds: Annotated[int, Ge(1), Le(10_000)] = 30,
) -> Any:
    """min over U, V of Σ (<A_i, UVᵀ> − y_i)² by U and V in turns, (p, q) float64, from the spectral start.

    rank: default the one that is told; where none is, of 1, 2, 3, 4, 6, 8, 12 and 16 the one with the least absolute
    error on a fifth of the measurements, which are held out for it. ridge: m · gain² · ridge times the squared norm of
    the factor that is fitted is added, the other one having orthonormal columns. Each fit is by LSQR. A `psd` matrix
    is the symmetric part of the product.
    """
    most = min(given.shape)
    known = info.rank if rank is None else rank
    if known is None:
        tried = [r for r in TRIED if r <= most]
        known, _ = chosen_by_held_out(given, info, tried, lambda part, r, before: _fitted(part, r, ridge, rounds))
    return _fitted(given, min(known, most), ridge, rounds)


def _fitted(given: Any, rank: int, ridge: float, rounds: int) -> Any:
    operator = given.operator
    matrix = cut_to_rank(operator.adjoint(given.y) / (operator.count * operator.gain**2), rank)
    v = np.linalg.svd(matrix, full_matrices=False)[2][:rank].T
    damp = np.sqrt(ridge * operator.count) * operator.gain
    for _ in range(rounds):
        base = np.linalg.qr(v)[0]
        u = _left_factor(operator, given.y, base, damp, matrix @ base, False)
        base = np.linalg.qr(u)[0]
        v = _left_factor(operator, given.y, base, damp, matrix.T @ base, True)
        new = base @ v.T
        done = np.linalg.norm(new - matrix) <= 1e-6 * np.linalg.norm(new)
        matrix = new
        if done:
            break
    return (matrix + matrix.T) / 2 if given.psd else matrix


def _left_factor(operator: Any, y: Any, v: Any, damp: float, before: Any, turned: bool) -> Any:
    """The U that fits best beside an orthonormal V, from the one before; `turned`: of the transposed matrix."""
    from scipy.sparse.linalg import LinearOperator, lsqr

    rows, rank = operator.shape[1 if turned else 0], v.shape[1]

    def forward(flat: Any) -> Any:
        product = flat.reshape(rows, rank) @ v.T
        return operator.measure(product.T if turned else product)

    def backward(values: Any) -> Any:
        back = operator.adjoint(values)
        return ((back.T if turned else back) @ v).ravel()

    system = LinearOperator((operator.count, rows * rank), matvec=forward, rmatvec=backward, dtype=np.float64)
    return lsqr(system, y, damp=damp, atol=1e-8, btol=1e-8, iter_lim=60, x0=before.ravel())[0].reshape(rows, rank)
