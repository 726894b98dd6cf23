from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ..explanation import Explanation
from ._correlation import correlation


@metric("class_similarity", title="Class similarity", track="classify", maps=True, higher=False, order=42)
def class_similarity(explanation: Explanation) -> float:
    """Class similarity (Rebuffi et al. 2020): correlation of the maps of the likeliest and the least likely class.

    From -1 to 1, which is that of a map which is the same for every class. Two flat maps are alike, one is like none.
    """
    best, worst = int(np.argmax(explanation.log_p)), int(np.argmin(explanation.log_p))
    return correlation(explanation.maps[best], explanation.maps[worst])
