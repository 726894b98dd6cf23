from __future__ import annotations

from typing import Any

import numpy as np

from ....components.decorators import regime
from ..target import Floats


@regime("none", track="functions", discloses=("sigma",), title="no noise")
def none(y: Floats, rng: np.random.Generator) -> tuple[Floats, dict[str, Any]]:
    """The samples as they are; sigma, which is 0, is disclosed."""
    return y, {"sigma": 0.0}
