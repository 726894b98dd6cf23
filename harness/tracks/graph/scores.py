"""How well a weighted graph explains samples: least squares, and least squares with a noise level of its own."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .dag import Floats

Score = Literal["ls", "ev", "nv"]
"""Least squares; one level of noise for all variables (equal variance); a level for each (non-equal variance)."""


def covariance(samples: Floats) -> Floats:
    """Samples (N, d) → their covariance (d, d), over N."""
    centred = samples - samples.mean(axis=0)
    product: Floats = centred.T @ centred / len(centred)
    return product


def residual_variances(weights: Floats, covariances: Floats) -> Floats:
    """(d,): the variance of what the weights (d, d) leave of each variable: the diagonal of (I − W)ᵀ C (I − W)."""
    remainder = np.eye(len(weights)) - weights
    variances: Floats = (remainder * (covariances @ remainder)).sum(axis=0)
    return np.maximum(variances, 0.0)


def level_of(score: Score, variances: Floats) -> Floats:
    """The levels of noise (d,) that are best for these variances of the residuals: the closed form of the score.

    The root of each, or of their mean where one level is for all; 1 for least squares, which knows none.
    """
    if score == "ls":
        return np.ones_like(variances)
    roots: Floats = np.sqrt(variances if score == "nv" else np.full_like(variances, variances.mean()))
    return roots


def score_of(score: Score, variances: Floats, levels: Floats) -> float:
    """Half the sum of residual variances; each over its level and with that added, but for least squares.

    At the best levels of `ev` and `nv` this is the sum of the levels: in the unit of the samples, and not of their
    square (Saboksayr et al. 2024, eqs. 2 and 6).
    """
    if score == "ls":
        return float(variances.sum() / 2)
    return float(((variances / levels + levels) / 2).sum())
