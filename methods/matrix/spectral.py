"""The measurements brought back to a matrix, cut to the rank that is told."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.matrix._spectra import cut_to_rank


@nb.method("spectral", track="matrix", needs=("rank",), cite="Keshavan, Montanari & Oh 2010")
def spectral(given: Any, info: Any) -> Any:
    """The best approximation of A*(y) / (m · gain²) of the rank that is told, float64 (p, q).

    What many methods start from (Keshavan et al. 2010). Right on average over the measurements, and no better than
    their number. Skipped where the set does not tell the rank: `tells_rank=True`.
    """
    operator = given.operator
    return cut_to_rank(operator.adjoint(given.y) / (operator.count * operator.gain**2), info.rank)
