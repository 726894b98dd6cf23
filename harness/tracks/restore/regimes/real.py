"""The dataset's own noisy picture."""

from __future__ import annotations

import numpy as np

from ....components import regime
from ._digitise import Degraded, Picture


@regime("real", source="noisy")
def real(x: Picture, rng: np.random.Generator) -> Degraded:
    """The dataset's own noisy picture."""
    return x, {"sigma": None}  # there is noise, and nobody knows how much
