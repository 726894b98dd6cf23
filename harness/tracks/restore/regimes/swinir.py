from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL
from ._digitise import Degraded, Picture, Sigma
from ._published_draws import legacy_draws


@regime("swinir", discloses=("sigma",), keeps=ALL, title="σ = {sigma}")
def swinir(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as SwinIR's tests draw it: that of `restormer`, with the channels in the order blue, green, red.

    github.com/JingyunLiang/SwinIR, main_test_swinir.py (in KAIR too): pictures are read by OpenCV as blue, green, red
    and drawn for in that order, so that the noise of red is that of blue in `restormer`. Grey pictures get the same
    noise as there. Added to the float32 clean picture, not clipped.
    """
    return x.astype(np.float32) + legacy_draws(x, sigma)[:, :, ::-1], {"sigma": sigma / 255}
