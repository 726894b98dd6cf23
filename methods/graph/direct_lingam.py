"""DirectLiNGAM: the order by which residuals are most independent, for noise that is not normal."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.graph._pruned import pruned
from noisebench.methods.graph._regressed import sparse_weights
from noisebench.methods.graph._settings import Threshold


@nb.method(
    "direct_lingam",
    track="graph",
    blind=True,
    cite="S. Shimizu et al., DirectLiNGAM: a direct method for learning a linear non-Gaussian structural equation "
    "model, JMLR 2011; A. Hyvärinen, S. M. Smith, JMLR 2013",
)
def direct_lingam(samples: Any, info: Any, *, threshold: Threshold = 0.0) -> Any:
    """The most exogenous variable first, and again of what it leaves of the others; weights (d, d) as sortnregress.

    Exogenous is the variable for which the pairwise likelihood ratios against all others are largest, with entropies by
    Hyvärinen's approximation (Hyvärinen & Smith 2013). Needs noise that is not normal. Time grows with the cube of d.
    """
    residuals, remaining = samples - samples.mean(axis=0), list(range(samples.shape[1]))
    order = list[int]()
    while remaining:
        info.progress(len(order), samples.shape[1])
        chosen = remaining[_most_exogenous(residuals[:, remaining])] if len(remaining) > 1 else remaining[0]
        order.append(chosen)
        remaining.remove(chosen)
        cause = residuals[:, chosen]
        residuals[:, remaining] -= np.outer(cause, cause @ residuals[:, remaining] / max(float(cause @ cause), _TINY))
    return pruned(sparse_weights(samples, np.array(order)), threshold)


_TINY = float(np.finfo(np.float64).tiny)


def _most_exogenous(variables: Any) -> int:
    """Of variables (N, k) the place of the one that is least likely an effect of another."""
    scaled = variables / np.maximum(variables.std(axis=0), _TINY)
    entropies = _entropy(scaled)
    slopes = scaled.T @ scaled / len(scaled)
    count = scaled.shape[1]
    ratio = np.zeros((count, count))
    for i in range(count):
        residuals = scaled - np.outer(scaled[:, i], slopes[i])
        after = _entropy(residuals / np.maximum(residuals.std(axis=0), _TINY))
        # ratio[i, j]: entropy of i and of what it leaves of j; the smaller, the likelier is i → j.
        ratio[i] = entropies[i] + after
    against = np.minimum(0.0, ratio.T - ratio)
    np.fill_diagonal(against, 0.0)
    return int(np.argmin((against**2).sum(axis=1)))


def _entropy(scaled: Any) -> Any:
    """The entropy (k,) of standardised variables (N, k), by two moments beyond the normal (Hyvärinen 1998)."""
    # log cosh without overflow.
    size = np.abs(scaled)
    cosh = (size + np.log1p(np.exp(-2 * size)) - np.log(2)).mean(axis=0)
    skewed = (scaled * np.exp(-(scaled**2) / 2)).mean(axis=0)
    return (1 + np.log(2 * np.pi)) / 2 - 79.047 * (cosh - 0.37457) ** 2 - 7.4129 * skewed**2
