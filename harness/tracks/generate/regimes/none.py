from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ....components.decorators import regime


@regime("none", track="generate", title="normal latents")
def none(z: npt.NDArray[np.float64], rng: np.random.Generator) -> tuple[npt.NDArray[np.float64], dict[str, Any]]:
    """The latents as they are: standard normal."""
    return z, {}
