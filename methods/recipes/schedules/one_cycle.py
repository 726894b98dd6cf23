"""One cycle: the rate rises to its largest value, then falls to nearly nothing, both by half a cosine."""

from __future__ import annotations

import math
from typing import Annotated

import noisebench as nb
from annotated_types import Ge, Gt, Lt


@nb.schedule("one_cycle", cite="L. N. Smith, N. Topin, Super-convergence, 2018, arXiv 1708.07120")
def one_cycle(
    progress: float,
    *,
    rise: Annotated[float, Gt(0), Lt(1)] = 0.3,
    first: Annotated[float, Ge(1)] = 15.0,
    last: Annotated[float, Ge(1)] = 1500.0,
) -> float:
    """One cycle: from rate/`first` up to the rate at the share `rise` of the steps, and down to rate/`last` at the end.

    Both by half a cosine. The rate of the optimiser is the largest.
    """
    if progress < rise:
        low, done = 1 / first, progress / rise
    else:
        low, done = 1 / last, (1 - progress) / (1 - rise)
    return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * done))
