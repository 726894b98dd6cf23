"""Noise behind published tables, bit for bit: each regime is named after its source and uses none of our keys.

Such noise depends on the size of a picture alone: the generator is seeded anew for each picture, so that all
pictures of one size get the same draws, and the seed of a run changes nothing.
"""

from __future__ import annotations

import numpy as np

from .degrade import regime
from .digitise import Degraded, Picture, Sigma


@regime("kair", discloses=("sigma",))
def kair(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as KAIR tests draw it: numpy's legacy generator, seed 0 for each picture, not clipped.

    Used for tables of DnCNN, FFDNet, DRUNet and SwinIR (github.com/cszn/KAIR, main_test_*.py). Drawn in
    (H, W, C) order; a grey picture gets the same values as (H, W) and (H, W, 1). The sum is rounded to float32
    once; KAIR rounds the clean picture too, which can move the last bit: that is `restormer`.
    """
    return x + _draws(x, sigma), {"sigma": sigma / 255}


@regime("restormer", discloses=("sigma",))
def restormer(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as Restormer's tests draw it: that of `kair`, added to the float32 clean picture.

    github.com/swz30/Restormer, Denoising/test_gaussian_*_denoising.py. Differs from `kair` by one unit in the
    last place of a float32 in about a third of the pixels.
    """
    return x.astype(np.float32) + _draws(x, sigma), {"sigma": sigma / 255}


def _draws(x: Picture, sigma: float) -> Picture:
    return np.random.RandomState(0).normal(0, sigma / 255.0, x.shape)
