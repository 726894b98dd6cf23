from __future__ import annotations

from ....components.decorators import protocol
from ..target import Floats


@protocol("standardised", track="functions")
def standardised(fit: Floats, truth: Floats, samples: Floats) -> tuple[Floats, Floats]:
    """Fit and truth (M,) over the standard deviation of the noise-free samples, over 1 where that is 0."""
    scale = float(samples.std()) or 1.0
    return fit / scale, truth / scale
