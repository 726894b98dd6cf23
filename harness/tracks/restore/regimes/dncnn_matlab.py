from __future__ import annotations

import numpy as np

from ....components.decorators import regime
from ..disclosure import ALL
from ._digitise import Degraded, Picture, Sigma


@regime("dncnn_matlab", discloses=("sigma",), keeps=ALL, title="σ = {sigma}")
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
    parts: list[Picture] = []
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
        parts.append((v * np.sqrt(-2 * log / s))[:missing])
        missing -= len(parts[-1])
    return np.concatenate(parts) if parts else np.empty(0)


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
