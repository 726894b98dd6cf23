"""What detectors of glottal closure share: the residual of linear prediction, and a wave of instants."""

from __future__ import annotations

import numpy as np
from noisebench.tracks.audio import Frames


def residual(wave: np.ndarray, rate: int, order: int) -> np.ndarray:
    """What linear prediction of `order` does not foresee, (N,): autocorrelation method, frames of 25 ms added up.

    Frames are half a frame apart under a Hann window, which the prediction is fitted and its errors are added under.
    """
    from scipy.linalg import solve_toeplitz
    from scipy.signal import lfilter

    hop = max(round(0.0125 * rate), order + 1)
    window = Frames(2 * hop, hop, root=False).window
    count = -(-len(wave) // hop) + 1
    padded = np.zeros((count + 1) * hop)
    padded[hop : hop + len(wave)] = wave
    out = np.zeros_like(padded)
    for start in range(0, count * hop, hop):
        frame = padded[start : start + 2 * hop] * window
        power = np.fft.irfft(np.abs(np.fft.rfft(frame, 4 * hop)) ** 2)[: order + 1]
        if power[0] <= 0:
            continue
        # White noise 60 dB below the frame keeps the equations of a pure tone solvable.
        power[0] *= 1 + 1e-6
        predictor = np.concatenate([[1.0], -solve_toeplitz(power[:-1], power[1:])])
        before = min(start, order)
        errors = lfilter(predictor, [1.0], padded[start - before : start + 2 * hop])
        out[start : start + 2 * hop] += window * errors[before:]
    return out[hop : hop + len(wave)]


def falling_at(instants: np.ndarray, rate: int, count: int) -> np.ndarray:
    """A wave (count,) that falls by 1 at each of rising `instants`, s, and rises in a line between: its derivative
    has negative extrema there.

    A fall takes two samples, so that its place between samples is kept.
    """
    samples = np.arange(count)
    if not len(instants):
        return np.zeros(count)
    at = np.asarray(instants) * rate
    first_gap, last_gap = (np.diff(at)[[0, -1]]) if len(at) > 1 else (count, count)
    # Before the first and after the last it rises as it does beside them, so that these have their place too.
    ends = np.concatenate([[at[0] - first_gap], at, [at[-1] + last_gap]])
    wave = np.interp(samples, ends, np.arange(-1.0, len(at) + 1))
    fallen = np.zeros(count + 1)
    first = np.floor(at).astype(int)
    for offset in (0, 1, 2):
        # Each sample's part of the falls that ended with it.
        place = first + offset
        part = np.clip((place - at + 1) / 2, 0, 1) - np.clip((place - 1 - at + 1) / 2, 0, 1)
        np.add.at(fallen, np.clip(place, 0, count), part)
    return np.asarray(wave - np.cumsum(fallen)[:count])
