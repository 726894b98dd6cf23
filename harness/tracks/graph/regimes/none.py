from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..sampling import Samples


@regime("none", track="graph", of="samples", title="as measured")
def none(samples: Samples, rng: np.random.Generator) -> Samples:
    """Measured samples as they are."""
    return samples
