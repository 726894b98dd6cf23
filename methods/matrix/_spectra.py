"""Singular values of matrices: cut to a rank, or made smaller."""

from __future__ import annotations

from typing import Any

import numpy as np


def cut_to_rank(matrix: Any, rank: int) -> Any:
    """The best approximation of that rank, (p, q)."""
    u, s, v = np.linalg.svd(matrix, full_matrices=False)
    return (u[:, :rank] * s[:rank]) @ v[:rank]


def shrunk(matrix: Any, by: float, psd: bool) -> Any:
    """Every singular value less `by`, at least 0; of `psd` matrices every eigenvalue. (p, q)

    Of a matrix far from square by the eigenvalues of the small side, which are right to 1e-8 of the largest.
    """
    if psd:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return (vectors * np.maximum(values - by, 0)) @ vectors.T
    if matrix.shape[0] < matrix.shape[1]:
        return shrunk(matrix.T, by, False).T
    if matrix.shape[0] < 4 * matrix.shape[1]:
        u, s, v = np.linalg.svd(matrix, full_matrices=False)
        return (u * np.maximum(s - by, 0)) @ v
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    s = np.sqrt(np.maximum(values, 0))
    kept = np.where(s > by, 1 - by / np.maximum(s, 1e-300), 0.0)
    return matrix @ ((vectors * kept) @ vectors.T)
