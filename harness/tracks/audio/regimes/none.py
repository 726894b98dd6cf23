from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import regime
from ..clip import Floats


@regime("none", track="audio", title="no noise")
def none(wave: Floats, rng: np.random.Generator, rate: int) -> tuple[Floats, dict[str, Any]]:
    """The clip as it is."""
    return wave, {}
