from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import regime
from ..operators import Floats


@regime("none", track="matrix", discloses=("sigma",), title="no noise")
def none(y: Floats, rng: np.random.Generator) -> tuple[Floats, dict[str, Any]]:
    """The measurements as they are; sigma, which is 0, is disclosed."""
    return y, {"sigma": 0.0}
