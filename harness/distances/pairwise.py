"""Euclidean distances of all pairs of rows, by one matrix product."""

from __future__ import annotations

import numpy as np

from .moments import Float


def pairwise_distances(x: Float, y: Float) -> Float:
    """(m, d) and (n, d) → (m, n), float64: many times as fast as pair by pair where d is large.

    From squares of centred rows, so a distance is off by 1e-8 of the length of the rows where it is near 0, and by
    1e-15 of it where it is as large.
    """
    centre = y.mean(axis=0)
    a, b = x - centre, y - centre
    squares = np.einsum("id,id->i", a, a)[:, None] + np.einsum("id,id->i", b, b) - 2 * (a @ b.T)
    apart: Float = np.sqrt(np.maximum(squares, 0.0, out=squares), out=squares)
    return apart
