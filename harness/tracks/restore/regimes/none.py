from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL
from ._digitise import Degraded, Picture


@regime("none", keeps=ALL, title="no noise")
def none(x: Picture, rng: np.random.Generator) -> Degraded:
    """The picture as the dataset has it."""
    return x, {}
