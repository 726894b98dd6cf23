from __future__ import annotations

from ....components.decorators import protocol
from ..target import Floats


@protocol("held_out", track="functions")
def held_out(fit: Floats, truth: Floats, samples: Floats) -> tuple[Floats, Floats]:
    """Fit and truth at the held-out points (M,), as they are."""
    return fit, truth
