"""A shallow network whose hidden weights are random in a box and stay so; only the output layer is fitted."""

from __future__ import annotations

from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Ge, Gt, Le

CUT = 1e-10
"""Singular values below this share of the largest count as 0 (float64): the floor of a fit depends on it."""


@nb.method(
    "random_features",
    track="functions",
    blind=True,
    cite="M. Li, S. Sonoda, F. Cao, Y. G. Wang, J. Liang, "
    "How powerful are shallow neural networks with bandlimited random weights?, ICML 2023",
)
def random_features(
    samples: Any,
    info: Any,
    *,
    lam: Annotated[float, Gt(0), Le(1e6)] = 100.0,
    width: Annotated[int, Ge(1), Le(20_000)] = 1000,
    ridge: Annotated[float, Ge(0), Le(1e6)] = 0.0,
) -> Any:
    """g(x) = Σ cⱼ s(wⱼ·x + bⱼ), s the sigmoid, (w, b) uniform on [−lam, lam] and frozen, c by least squares.

    `samples.x` (N, d), `samples.y` (N,) → values (M,) at `samples.at`, float64. Whatever the width, an error is left
    where the target needs weights outside of the box (Li et al. 2023, theorem 2). Coordinates are used as they are:
    lam is in inverse units of x. `ridge` adds ridge · N to the normal equations, for noisy samples; 0 is plain least
    squares, with singular values below 1e-10 of the largest cut off. Draws are keyed by the input.
    """
    from scipy.special import expit

    w = info.rng.uniform(-lam, lam, (samples.x.shape[1], width))
    b = info.rng.uniform(-lam, lam, width)
    a, y = expit(samples.x @ w + b), samples.y
    if ridge:
        a = np.concatenate([a, np.sqrt(ridge * len(y)) * np.eye(width)])
        y = np.concatenate([y, np.zeros(width)])
    c = np.linalg.lstsq(a, y, rcond=CUT)[0]
    return expit(samples.at @ w + b) @ c
