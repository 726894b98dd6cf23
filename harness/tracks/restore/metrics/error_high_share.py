from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._errors import band_share
from ._undefined import too_small


@metric("error_high_share", version=2, higher=False)
def error_high_share(pair: Pair) -> float:
    """Share of the error's power above half the Nyquist frequency: noise left, ringing, lost detail, aliasing.

    The periodogram over all channels, without a window; |f| > 1/4 cycle a pixel, the constant and what lies at 1/4
    exactly, such as (3/20, 4/20), counted as low.
    A white error has 1 − π/16 = 0.80 there, blotches have less. Not defined where there is no error.
    """
    if min(pair.x.shape[:2]) < 8:
        return too_small(pair.x.shape, "error_high_share", 8)
    return band_share(pair, 0.25, 1.0, "error_high_share")
