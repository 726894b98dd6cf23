"""A network of sines from coordinates to values."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import noisebench as nb
import numpy as np
from annotated_types import Gt, Le
from noisebench.methods.functions._network import Depth, Rate, Share, Steps, Training, Width, fitted


@nb.method(
    "siren",
    track="functions",
    blind=True,
    cite="V. Sitzmann, J. N. P. Martel, A. W. Bergman, D. B. Lindell, G. Wetzstein, "
    "Implicit neural representations with periodic activation functions, NeurIPS 2020",
)
def siren(
    samples: Any,
    info: Any,
    *,
    omega: Annotated[float, Gt(0), Le(1e4)] = 30.0,
    width: Width = 64,
    depth: Depth = 2,
    steps: Steps = 500,
    rate: Rate = 0.001,
    apart: Share = 0.1,
) -> Any:
    """Layers x → sin(omega · (W x + b)), `depth` of them of `width` units, and a linear one, trained on one function.

    `samples.x` (N, d), `samples.y` (N,) → values (M,) at `samples.at`, float64 (Sitzmann et al. 2020, eq. 3). For n
    inputs W starts uniform in ±1 / n in the first layer and in ±√(6 / n) / omega in the others (section 3.2 and theorem
    1.8 of its supplement), so that what goes into each sine has variance 1; b uniform in ±1 / √n. Coordinates are
    brought to [−1, 1], values standardised. Adam on the mean squared error of all samples at once; the weights with the
    least error on the share of samples kept `apart` are used. Draws are keyed by the input.
    """
    sizes = [samples.x.shape[1], *[width] * depth, 1]
    layers = siren_layers(info.rng, sizes, omega)
    return fitted(samples, info, layers, lambda x: (omega * x).sin(), Training(steps, rate, apart))


def siren_layers(rng: np.random.Generator, sizes: list[int], omega: float) -> list[tuple[Any, Any]]:
    """The first weights (before, after) and biases (after,) of layers of these sizes."""
    layers = []
    for number, (before, after) in enumerate(pairwise(sizes)):
        bound = 1 / before if number == 0 else np.sqrt(6 / before) / omega
        layers.append((rng.uniform(-bound, bound, (before, after)), rng.uniform(-1, 1, after) / np.sqrt(before)))
    return layers
