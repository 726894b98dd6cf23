"""Cosine: a rise from nothing, then half a cosine down."""

from __future__ import annotations

import math
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Le, Lt


@nb.schedule("cosine", cite="I. Loshchilov, F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017")
def cosine(
    progress: float, *, warmup: Annotated[float, Ge(0), Lt(1)] = 0.02, floor: Annotated[float, Ge(0), Le(1)] = 0.0
) -> float:
    """Cosine: the rate rises over the share `warmup` of the steps, then falls to `floor` of itself by half a cosine."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    done = (progress - warmup) / (1 - warmup)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
