from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import COUNTED, COUNTS
from ._digitise import Bits, Degraded, Peak, Picture, Sigma, digitise


@regime(
    "poisson_gaussian",
    discloses=("peak", "sigma"),
    keeps=COUNTED,
    adds_up=COUNTS,
    cuts=("clip", "bits"),
    title="Poisson–Gaussian, peak {peak}, σ = {sigma}",
)
def poisson_gaussian(
    x: Picture,
    rng: np.random.Generator,
    *,
    peak: Peak,
    sigma: Sigma,
    clip: bool = False,
    bits: Bits | None = None,
) -> Degraded:
    """Counts at a peak plus Gaussian read noise of sigma: variance x/peak + sigma².

    The `sigma` disclosed is that of the read noise alone.
    """
    s = sigma / 255
    counts = rng.poisson(np.maximum(x, 0) * peak) / peak
    y, depth = digitise(counts + s * rng.standard_normal(x.shape), clip, bits)
    return y, {"peak": peak, "sigma": s, **depth}
