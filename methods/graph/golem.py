"""GOLEM: the likelihood of a linear graph with soft penalties of weights and of cycles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._settings import Penalty, Rate, Steps, Threshold


@nb.method(
    "golem",
    track="graph",
    blind=True,
    cite="I. Ng, A. Ghassami, K. Zhang, On the role of sparsity and DAG constraints for learning linear DAGs, "
    "NeurIPS 2020",
)
def golem(
    samples: Any,
    info: Any,
    *,
    variance: Literal["ev", "nv"] = "ev",
    lam: Penalty = 0.02,
    cycles: Annotated[float, Ge(0), Le(1e6)] = 5.0,
    threshold: Threshold = 0.3,
    rate: Rate = 0.001,
    steps: Steps = 20_000,
) -> Any:
    """Adam on the negative log-likelihood of normal noise + lam |W| + `cycles` (tr exp(W∘W) − d), weights (d, d).

    `variance=ev`: d / 2 · log of the mean residual variance; `nv`: half the sum of their logarithms; both less
    log |det(I − W)| (Ng et al. 2020). `nv` starts from what `ev` found, as the authors advise, with a tenth of lam. The
    likelihood does not change with the unit of the samples. Weights up to `threshold` are dropped, then the smallest
    until there is no cycle. The authors take 100,000 steps.
    """
    from scipy.linalg import expm

    centred = samples - samples.mean(axis=0)
    cov = centred.T @ centred / len(centred)
    size = len(cov)
    if not (np.diagonal(cov) > 0).all():
        raise nb.Skip(f"variable {int(np.argmin(np.diagonal(cov)))} has one value alone")
    eye, w = np.eye(size), np.zeros_like(cov)
    phases = (("ev", lam),) if variance == "ev" else (("ev", lam), ("nv", lam / 10))
    for phase, (kind, penalty) in enumerate(phases):
        mean, square = np.zeros_like(w), np.zeros_like(w)
        for t in range(1, steps + 1):
            if t % 1000 == 0:
                info.progress(phase * steps + t, len(phases) * steps)
            i_minus_w = eye - w
            rest = cov @ i_minus_w
            variances = np.maximum((i_minus_w * rest).sum(axis=0), 1e-300)
            gradient = -rest / (variances if kind == "nv" else variances.mean())
            gradient += np.linalg.inv(i_minus_w).T + penalty * np.sign(w) + 2 * cycles * w * expm(w * w).T
            np.fill_diagonal(gradient, 0.0)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            w = w - rate * mean / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.999**t)) + 1e-8)
    return pruned(w, threshold)
