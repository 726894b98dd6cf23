from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..sampling import Samples


@regime("bootstrap", track="graph", of="samples", title="bootstrap")
def bootstrap(samples: Samples, rng: np.random.Generator) -> Samples:
    """N samples drawn from the N that there are, with replacement: another draw for each seed (Efron 1979)."""
    rows = rng.integers(0, len(samples.values), len(samples.values))
    return Samples(samples.values[rows], samples.truth)
