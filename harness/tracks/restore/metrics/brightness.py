from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._no_reference import luma_of
from ._undefined import nothing_left


@metric("brightness", goal="none")
def brightness(pair: Pair) -> float:
    """Mean luma of the restored picture on [0, 1]."""
    if pair.x.size == 0:
        return nothing_left()
    return float(luma_of(pair.x).mean()) / pair.peak
