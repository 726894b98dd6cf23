"""Robust principal component analysis: a matrix that is fully seen, split into a low rank and a sparse part."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le
from noisebench.methods.matrix._spectra import shrunk

TIGHTER, TIGHTEST = 1.05, 1e7
"""How the weight of L + S = Y grows: where it grows faster, it ends beside the optimum."""


@nb.method("robust_pca", track="matrix", blind=True, cite="Candès et al. 2011; Lin, Chen & Ma 2010")
def robust_pca(
    given: Any,
    info: Any,
    *,
    lam: Annotated[float, Gt(0), Le(1e3)] = 1.0,
    steps: Annotated[int, Ge(1), Le(100_000)] = 500,
) -> Any:
    """min over L, S with L + S = Y of ‖L‖_* + lam / √max(p, q) · ‖S‖₁: the matrix L (p, q), float64.

    Principal component pursuit (Candès et al. 2011), by the inexact augmented Lagrangian (Lin, Chen & Ma 2010), until
    L + S is Y to 1e-7 or `steps` are over. Raises `Skip` where not every entry is measured.
    """
    if not getattr(given.operator, "complete", False):
        raise nb.Skip("is for a matrix of which every entry is measured")
    seen = given.operator.adjoint(given.y)
    size = float(np.linalg.norm(seen))
    if not size:
        return seen
    weight = lam / np.sqrt(max(seen.shape))
    top = float(np.linalg.norm(seen, 2))
    multiplier = seen / max(top, float(np.abs(seen).max()) / weight)
    mu = 1.25 / top
    most = mu * TIGHTEST
    low, sparse = np.zeros_like(seen), np.zeros_like(seen)
    for _ in info.each(range(steps)):
        rest = seen - low + multiplier / mu
        sparse = np.sign(rest) * np.maximum(np.abs(rest) - weight / mu, 0)
        low = shrunk(seen - sparse + multiplier / mu, 1 / mu, given.psd)
        residual = seen - low - sparse
        multiplier = multiplier + mu * residual
        mu = min(mu * TIGHTER, most)
        if np.linalg.norm(residual) <= 1e-7 * size:
            break
    return low
