from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..explanation import Explanation, own_region


@metric("pointing", title="Pointing game", track="classify", maps=True, order=40, gate={"max_drop": 0.02})
def pointing(explanation: Explanation) -> float | NotDefined:
    """Pointing game (Zhang et al. 2016): 1 where the map of the true class is greatest on what shows it, else 0.

    Of several greatest pixels the share that lies there: a flat map gets the share of the area. Not defined where the
    dataset does not know what shows the class.
    """
    inside = own_region(explanation)
    if isinstance(inside, NotDefined):
        return inside
    values = explanation.maps[explanation.label]
    return float(np.mean(inside[values == values.max()]))
