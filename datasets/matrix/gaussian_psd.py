"""Positive semidefinite matrices measured by symmetric Gaussian matrices."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.matrix._drawn import DrawnMatrices, Number, Rank, Seed, Side, factor, refuse_rank
from noisebench.tracks.matrix import Measured, Sensing, as_measured


@nb.dataset("gaussian_psd", track="matrix", licence="CC0-1.0 (made here)")
def gaussian_psd(
    *,
    n: Number = 6,
    d: Side = 20,
    rank: Rank = 2,
    m: Annotated[int, Ge(1), Le(1_000_000)] = 600,
    tells_rank: bool = False,
    seed: Seed = 0,
) -> DrawnMatrices:
    """X = UUᵀ, U (d, rank) of N(0, 1/d) entries, measured by m symmetric Gaussian matrices.

    So the eigenvalues are about 1, and a measurement is about √rank. d: the side. m: how many numbers are measured; a
    factor has d · rank. tells_rank: the method is told it. seed: other matrices and measurements. At most 25 million
    numbers d · d · m.
    """
    refuse_rank(rank, d)

    def make(name: str, rng: np.random.Generator, key: bytes) -> Measured:
        u = factor(rng, d, rank, d**-0.5)
        return as_measured(
            name, u @ u.T, Sensing(key, m, (d, d), symmetric=True), psd=True, rank=rank if tells_rank else None
        )

    return DrawnMatrices("psd", n, f"gaussian_psd|{d}|{rank}|{m}|{seed}", make)
