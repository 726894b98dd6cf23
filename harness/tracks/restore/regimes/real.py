from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import SCALE
from ._digitise import Degraded, Picture


@regime("real", discloses=("scale",), source="noisy", adds_up=SCALE, title="real noise")
def real(x: Picture, rng: np.random.Generator) -> Degraded:
    """The dataset's own noisy picture.

    Where the clean one is a whole number of times as large, this `scale` is disclosed.
    """
    return x, {"sigma": None}  # there is noise, and nobody knows how much
