from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..explanation import Explanation
from ._correlation import correlation


@metric("weight_similarity", title="Weight similarity", track="classify", maps=True, higher=False, order=43)
def weight_similarity(explanation: Explanation) -> float | NotDefined:
    """Weight similarity (Adebayo et al. 2018): correlation of the map of the likeliest class with the untrained one.

    From -1 to 1, which is that of a map that shows nothing of what was learned. Not defined but of `randomized(…)`.
    """
    if explanation.unlearned is None:
        return NotDefined("gives no maps without training")
    best = int(np.argmax(explanation.log_p))
    return correlation(explanation.maps[best], explanation.unlearned[best])
