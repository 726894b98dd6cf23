"""Rectangular matrices of which some entries are seen: matrix completion."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le
from noisebench.datasets.matrix._drawn import DrawnMatrices, Number, Rank, Seed, Side, factor, refuse_rank
from noisebench.datasets.matrix._seen import seen_entries
from noisebench.tracks.matrix import Measured, as_measured


@nb.dataset("entries", track="matrix", licence="CC0-1.0 (made here)")
def entries(
    *,
    n: Number = 6,
    rows: Side = 60,
    columns: Side = 40,
    rank: Rank = 3,
    share: Annotated[float, Gt(0), Le(1)] = 0.5,
    tells_rank: bool = False,
    seed: Seed = 0,
) -> DrawnMatrices:
    """X = UVᵀ, U (rows, rank) and V (columns, rank) of N(0, 1) entries, of which a share is seen, at random places.

    share: of the entries that are seen; 1 is all of them, as robust PCA has it. tells_rank: the method is told it.
    seed: other matrices and places.
    """
    refuse_rank(rank, rows, columns)

    def make(name: str, rng: np.random.Generator, key: bytes) -> Measured:
        truth = factor(rng, rows, rank) @ factor(rng, columns, rank).T
        return as_measured(name, truth, seen_entries(truth, share, key), rank=rank if tells_rank else None)

    return DrawnMatrices("entries", n, f"entries|{rows}|{columns}|{rank}|{share!r}|{seed}", make)
