"""DAGMA: least squares with a penalty along the path of a log-determinant."""

from __future__ import annotations

from typing import Any

import noisebench as nb
from noisebench.methods.graph._path import PathSchedule, follow_path
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._settings import Penalty, Rate, Steps, Threshold


@nb.method(
    "dagma_ls",
    track="graph",
    blind=True,
    cite="K. Bello, B. Aragam, P. Ravikumar, DAGMA: learning DAGs via M-matrices and a log-determinant acyclicity "
    "characterization, NeurIPS 2022",
)
def dagma_ls(
    samples: Any,
    info: Any,
    *,
    lam: Penalty = 0.05,
    threshold: Threshold = 0.3,
    rate: Rate = 0.0003,
    warm: Steps = 20_000,
    last: Steps = 70_000,
) -> Any:
    """Least squares where W has no cycle: samples (N, d) → weights (d, d).

    Minimises ‖X − XW‖² / (2 N) + lam |W| by the stages of `colide`: the two differ by the score alone. Weights up to
    `threshold` are dropped, then the smallest until there is no cycle.
    """
    return pruned(follow_path(samples, "ls", PathSchedule(lam, rate, warm, last), info.progress)[0], threshold)
