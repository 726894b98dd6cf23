"""Weights of edges that are known: each variable by least squares on its causes."""

from __future__ import annotations

from typing import Any

import numpy as np

_NOTHING = 1e-20
"""The share of its variance below which nothing is left of a variable, so that no criterion can choose."""


def regressed(samples: Any, edges: Any) -> Any:
    """Samples (N, d) and edges (d, d) → weights (d, d). An edge that has no direction gets a weight in both."""
    centred = samples - samples.mean(axis=0)
    weights = np.zeros(edges.shape)
    for effect in range(len(edges)):
        causes = np.flatnonzero(edges[:, effect])
        if len(causes):
            coefficients = np.linalg.lstsq(centred[:, causes], centred[:, effect], rcond=None)[0]
            # An edge that was asked for stays one.
            weights[causes, effect] = np.where(coefficients == 0, np.finfo(np.float64).tiny, coefficients)
    return weights


def sparse_weights(samples: Any, order: Any) -> Any:
    """Samples (N, d) and an order of the variables → weights (d, d) of each on those before it, by an adaptive lasso.

    Its penalty is weighted by the inverse of least squares and chosen by BIC (Zou 2006).
    """
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LassoLarsIC

    centred = samples - samples.mean(axis=0)
    weights = np.zeros((len(order), len(order)))
    for place, effect in enumerate(order[1:], 1):
        before = np.asarray(order[:place])
        if len(samples) <= place + 1:
            break
        full = np.linalg.lstsq(centred[:, before], centred[:, effect], rcond=None)[0]
        residual = float(np.mean((centred[:, effect] - centred[:, before] @ full) ** 2))
        if residual <= _NOTHING * float(np.mean(centred[:, effect] ** 2)):
            weights[before, effect] = full
            continue
        scale = np.abs(full)
        with warnings.catch_warnings():
            # The path of a lasso ends early where two variables are nearly the same.
            warnings.simplefilter("ignore", ConvergenceWarning)
            chosen = LassoLarsIC(criterion="bic").fit(centred[:, before] * scale, centred[:, effect])
        weights[before, effect] = chosen.coef_ * scale
    return weights
