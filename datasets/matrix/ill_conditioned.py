"""Positive semidefinite matrices with a condition number, measured by symmetric Gaussian matrices."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.matrix._drawn import DrawnMatrices, Number, Seed, Side, refuse_rank
from noisebench.tracks.matrix import Measured, Sensing, as_measured, on_grid


@nb.dataset("ill_conditioned", track="matrix", licence="CC0-1.0 (made here)")
def ill_conditioned(
    *,
    n: Number = 6,
    d: Side = 20,
    rank: Annotated[int, Ge(2), Le(1_000)] = 2,
    m: Annotated[int, Ge(1), Le(1_000_000)] = 600,
    condition: Annotated[float, Ge(1), Le(1000), nb.AxisLabel("condition number")] = 10.0,
    tells_rank: bool = False,
    seed: Seed = 0,
) -> DrawnMatrices:
    """X = UUᵀ, whose columns fall in a geometric row of variances from 1/d to 1/(d · condition); else `gaussian_psd`.

    So the eigenvalues above 0 are about from 1 to 1/condition. d: the side. m: how many numbers are measured.
    tells_rank: the method is told it. seed: other matrices and measurements. At most 25 million numbers d · d · m.
    """
    refuse_rank(rank, d)
    spread = condition ** (-0.5 * np.arange(rank) / (rank - 1)) * d**-0.5

    def make(name: str, rng: np.random.Generator, key: bytes) -> Measured:
        u = on_grid(spread * rng.standard_normal((d, rank)))
        return as_measured(
            name, u @ u.T, Sensing(key, m, (d, d), symmetric=True), psd=True, rank=rank if tells_rank else None
        )

    return DrawnMatrices("conditioned", n, f"ill_conditioned|{d}|{rank}|{m}|{condition!r}|{seed}", make)
