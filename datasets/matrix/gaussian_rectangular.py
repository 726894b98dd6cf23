from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.matrix._drawn import DrawnMatrices, Number, Rank, Seed, Side, factor, refuse_rank
from noisebench.tracks.matrix import Measured, Sensing, as_measured


@nb.dataset("gaussian_rectangular", track="matrix", licence="CC0-1.0 (made here)")
def gaussian_rectangular(
    *,
    n: Number = 6,
    rows: Side = 25,
    columns: Side = 15,
    rank: Rank = 2,
    m: Annotated[int, Ge(1), Le(1_000_000)] = 800,
    tells_rank: bool = False,
    seed: Seed = 0,
) -> DrawnMatrices:
    """X = UVᵀ, U of N(0, 1/rows) and V of N(0, 1/columns) entries, measured by m Gaussian matrices.

    So the singular values are about 1, and a measurement is about √rank. m: how many numbers are measured; the factors
    have (rows + columns) · rank. tells_rank: the method is told it. seed: other matrices and measurements. At most 25
    million numbers rows · columns · m.
    """
    refuse_rank(rank, rows, columns)

    def make(name: str, rng: np.random.Generator, key: bytes) -> Measured:
        truth = factor(rng, rows, rank, rows**-0.5) @ factor(rng, columns, rank, columns**-0.5).T
        return as_measured(name, truth, Sensing(key, m, (rows, columns)), rank=rank if tells_rank else None)

    return DrawnMatrices("rectangular", n, f"gaussian_rectangular|{rows}|{columns}|{rank}|{m}|{seed}", make)
