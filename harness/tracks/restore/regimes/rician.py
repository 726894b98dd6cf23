from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import BENT
from ._digitise import Bits, Degraded, Picture, Sigma, digitise


@regime("rician", discloses=("sigma",), keeps=BENT, cuts=("clip", "bits"), title="Rician, σ = {sigma}")
def rician(
    x: Picture, rng: np.random.Generator, *, sigma: Sigma, clip: bool = False, bits: Bits | None = None
) -> Degraded:
    """Magnitude of a complex signal (MRI): y = |x + n₁ + i·n₂|, each n Gaussian of sigma.

    Its mean square is x² + 2·sigma².
    """
    s = sigma / 255
    real = x + s * rng.standard_normal(x.shape)
    imaginary = s * rng.standard_normal(x.shape)
    y, depth = digitise(np.sqrt(real * real + imaginary * imaginary), clip, bits)
    return y, {"sigma": s, **depth}
