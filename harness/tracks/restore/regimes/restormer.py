from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL
from ._digitise import Degraded, Picture, Sigma
from ._published_draws import legacy_draws


@regime("restormer", discloses=("sigma",), keeps=ALL, title="σ = {sigma}")
def restormer(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as Restormer's tests draw it: that of `kair`, added to the float32 clean picture.

    github.com/swz30/Restormer, Denoising/test_gaussian_*_denoising.py. Differs from `kair` by one unit in the
    last place of a float32 in about a third of the pixels.
    """
    return x.astype(np.float32) + legacy_draws(x, sigma), {"sigma": sigma / 255}
