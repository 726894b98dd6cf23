from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._fidelity import absolute_error
from ._undefined import nothing_left


@metric("mae", title="MAE", higher=False)
def mae(pair: Pair) -> float:
    """Mean absolute error on the [0, 1] scale: in units of the data range."""
    if pair.size == 0:
        return nothing_left()
    return absolute_error(pair) / pair.size / pair.peak
