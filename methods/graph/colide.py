"""CoLiDE: weights and noise levels estimated together, so that one penalty serves every level of noise."""

from __future__ import annotations

from typing import Any, Literal

import noisebench as nb
from noisebench.methods.graph._path import PathSchedule, follow_path
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._settings import Penalty, Rate, Steps, Threshold


@nb.method(
    "colide",
    track="graph",
    blind=True,
    cite="S. S. Saboksayr, G. Mateos, M. Tepper, CoLiDE: Concomitant linear DAG estimation, ICLR 2024",
)
def colide(
    samples: Any,
    info: Any,
    *,
    variance: Literal["ev", "nv"] = "ev",
    lam: Penalty = 0.05,
    threshold: Threshold = 0.3,
    rate: Rate = 0.0003,
    warm: Steps = 20_000,
    last: Steps = 70_000,
) -> Any:
    """Concomitant linear DAG estimation: samples (N, d) → weights (d, d), noise levels (d,).

    Minimises ‖X − XW‖² / (2 N s) + d s / 2 + lam |W| where W has no cycle (Saboksayr et al. 2024). `variance=ev`: one
    level s for all variables, at its best the root of the mean residual variance; `nv`: a level for each. Path: four
    stages of Adam of at most `warm` steps, the last of `last`. Weights up to `threshold` are dropped, then the smallest
    until there is no cycle.
    """
    weights, levels = follow_path(samples, variance, PathSchedule(lam, rate, warm, last), info.progress)
    return pruned(weights, threshold), levels
