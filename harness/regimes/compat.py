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


@regime("dncnn_matlab", discloses=("sigma",))
def dncnn_matlab(x: Picture, rng: np.random.Generator, *, sigma: Sigma) -> Degraded:
    """Gaussian noise as the MATLAB tests of DnCNN and FFDNet draw it: randn('seed', 0) for each picture.

    github.com/cszn/DnCNN, Demo_test_DnCNN.m, and cszn/FFDNet, Demo_AWGN_*.m, behind the papers' tables. Drawn down
    the columns, channel by channel; sum in float64, rounded to float32 once, not clipped.
    """
    height, width, channels = x.shape
    draws = matlab_randn_v4(x.size).reshape(channels, width, height).transpose(2, 1, 0)
    return x + sigma / 255 * draws, {"sigma": sigma / 255}


def matlab_randn_v4(n: int) -> Picture:
    """The first `n` values after randn('seed', 0) in MATLAB, float64 (n,): its generator of version 4.

    Uniform: x ← 7⁵ x mod (2³¹ − 1) (Park & Miller 1988), in the state that MATLAB calls seed 0. Normal: the polar
    method (Marsaglia & Bray 1964), of which MATLAB keeps the first of the two values.
    """
    found: list[Picture] = []
    state, missing = _SEED_0, n
    while missing > 0:
        pairs = -(-missing * 14 // 11) + 64  # 4/π pairs a value, and some to spare
        uniform = _minimal_standard(state, 2 * pairs)
        state = int(uniform[-1])
        v = 2 * (uniform / _M).reshape(-1, 2) - 1
        s = (v**2).sum(axis=1)
        inside = s < 1
        v, s = v[inside, 0], s[inside]
        # Through extended precision, so that the last bit is the same whichever vector unit numpy uses.
        log = np.log(s.astype(np.longdouble)).astype(np.float64)
        found.append((v * np.sqrt(-2 * log / s))[:missing])
        missing -= len(found[-1])
    return np.concatenate(found) if found else np.empty(0)


_M = 2**31 - 1
_SEED_0 = 1144108930


def _minimal_standard(state: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The `n` states after `state`, each 16807 times the one before, mod 2³¹ − 1; by doubling, exact in 64 bits."""
    result = np.empty(n, dtype=np.uint64)
    result[0] = 16807 * state % _M
    done, step = 1, 16807
    while done < n:
        take = min(done, n - done)
        result[done : done + take] = result[:take] * np.uint64(step) % np.uint64(_M)
        done, step = done + take, step * step % _M
    return result


def _draws(x: Picture, sigma: float) -> Picture:
    return np.random.RandomState(0).normal(0, sigma / 255.0, x.shape)
