from __future__ import annotations

from typing import Literal

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..explanation import Explanation, own_region


@metric("energy_share", title="Energy share", track="classify", maps=True, order=41, gate={"max_drop": 0.02})
def energy_share(explanation: Explanation, *, of: Literal["picture", "regions"] = "picture") -> float | NotDefined:
    """Energy share (Wang et al. 2020): the share of the map of the true class that lies on what shows that class.

    Of the whole picture, or of the regions that show any class, as far as there are two: so little of it on one class
    may still tell it from the other. Values below 0 count as 0; a map without any above is taken as flat. Not defined
    where the dataset does not know what shows the class.
    """
    inside = own_region(explanation)
    if isinstance(inside, NotDefined):
        return inside
    among = np.ones(inside.shape, bool)
    if of == "regions" and explanation.regions is not None:
        among = explanation.regions >= 0
        if not (among & ~inside).any():
            return NotDefined("shows one class alone")
    values = np.maximum(explanation.maps[explanation.label].astype(np.float64), 0)
    if not values[among].any():
        values = np.ones_like(values)
    return float(values[inside].sum() / values[among].sum())
