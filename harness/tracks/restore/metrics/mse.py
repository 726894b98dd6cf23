from __future__ import annotations

from ....components.decorators import metric
from ..pairs import Pair
from ._fidelity import squared_error
from ._undefined import nothing_left


@metric("mse", title="MSE", higher=False)
def mse(pair: Pair) -> float:
    """Mean squared error on the [0, 1] scale: in units of the data range squared."""
    if pair.size == 0:
        return nothing_left()
    return squared_error(pair) / pair.size / pair.peak**2
