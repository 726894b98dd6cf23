"""A network of rectified linear units from coordinates to values."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.methods.functions._network import Depth, Rate, Share, Steps, Training, Width, fitted


@nb.method(
    "mlp",
    track="functions",
    blind=True,
    cite="K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015",
)
def mlp(
    samples: Any,
    info: Any,
    *,
    width: Width = 64,
    depth: Depth = 2,
    steps: Steps = 500,
    rate: Rate = 0.01,
    apart: Share = 0.1,
) -> Any:
    """A multilayer perceptron of `depth` layers of `width` units max(0, x), trained on the samples of one function.

    `samples.x` (N, d), `samples.y` (N,) → values (M,) at `samples.at`, float64. Weights start normal of variance 2 / n
    for n inputs (He et al. 2015, eq. 10), the last ones of 1 / n, biases uniform in ±1 / √n. Coordinates are brought to
    [−1, 1], values standardised. Adam on the mean squared error of all samples at once (Kingma & Ba 2015); the weights
    with the least error on the share of samples kept `apart` are used. Draws are keyed by the input.
    """
    sizes = [samples.x.shape[1], *[width] * depth, 1]
    layers = [
        (
            info.rng.normal(0, np.sqrt((2 if after > 1 else 1) / before), (before, after)),
            info.rng.uniform(-1, 1, after) / np.sqrt(before),
        )
        for before, after in pairwise(sizes)
    ]
    return fitted(samples, info, layers, lambda x: x.relu(), Training(steps, rate, apart))
