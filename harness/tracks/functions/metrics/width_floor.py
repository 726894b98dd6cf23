"""The error that random features of a range leave however many they are: a property of the function."""

from __future__ import annotations

import hashlib
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le

from ....components.decorators import metric
from ....components.keyed_noise import keyed_generator
from ..target import Floats, Target

CUT = 1e-10


@metric("width_floor", track="functions", higher=False, order=2, goal="none")
def width_floor(
    fit: Floats,
    truth: Floats,
    item: Target,
    *,
    lam: Annotated[float, Gt(0), Le(1e6)],
    width: Annotated[int, Ge(1), Le(20_000)] = 2000,
) -> float:
    """RMSE at the held-out points of a fit by `width` random sigmoids of range lam to the noise-free samples.

    The fit of the method is not looked at: the floor is the same for every method, and says what range a function
    needs (Li et al. 2023). Weights and offsets uniform on [-lam, lam], keyed by the function; least squares in float64
    with singular values below 1e-10 of the largest cut off. In the unit of the values, whatever the protocol.
    """
    from scipy.special import expit

    key = hashlib.sha256(item.x.astype("<f8").tobytes() + item.y.astype("<f8").tobytes()).digest()
    rng = keyed_generator(key)
    w, b = rng.uniform(-lam, lam, (item.x.shape[1], width)), rng.uniform(-lam, lam, width)
    c = np.linalg.lstsq(expit(item.x @ w + b), item.y, rcond=CUT)[0]
    return float(np.sqrt(np.mean((expit(item.at @ w + b) @ c - item.truth) ** 2)))
