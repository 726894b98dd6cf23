from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL
from ._digitise import Degraded, Picture, Sigma
from ._published_draws import legacy_draws


@regime("kair", discloses=("sigma",), keeps=ALL, title="σ = {sigma}")
def kair(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as KAIR tests draw it: numpy's legacy generator, seed 0 for each picture, not clipped.

    Used for tables of DnCNN, FFDNet and DRUNet (github.com/cszn/KAIR, main_test_*.py); those of SwinIR have `swinir`.
    Drawn in (H, W, C) order, channels red, green, blue; a grey picture gets the same values as (H, W) and (H, W, 1).
    The sum is rounded to float32 once; KAIR rounds the clean picture too, which can move the last bit: that is
    `restormer`.
    """
    return x + legacy_draws(x, sigma), {"sigma": sigma / 255}
