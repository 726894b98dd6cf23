from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..pairs import Pair
from ._errors import band_share
from ._undefined import too_small


@metric("error_band", version=2, higher=False)
def error_band(
    pair: Pair, *, low: Annotated[float, Ge(0), Lt(1)] = 0.0, high: Annotated[float, Gt(0), Le(1)] = 0.125
) -> float:
    """Share of the error's power at `low` < |f| ≤ `high` cycles a pixel: one ring of its radial spectrum.

    Rings from 0 to 0.125, 0.25, 0.375, 0.5 and 0.71 add up to 1. A frequency at `high` exactly counts,
    one at `low` does not; the constant counts where `low` is 0. A white
    error has the area of the ring, π (high² − low²) below 0.5; where a method has more, it loses there.
    """
    if high <= low:
        return NotDefined(f"error_band needs low < high, not {low:g} and {high:g}")
    if min(pair.x.shape[:2]) < 8:
        return too_small(pair.x.shape, "error_band", 8)
    return band_share(pair, low, high, "error_band")
