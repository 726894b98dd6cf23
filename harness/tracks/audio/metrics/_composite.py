"""Composite measures of enhanced speech (Hu & Loizou 2008): PESQ and three distances in frames, as marks of 1 to 5."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....text.errors import NotDefined
from ..scored import Restored
from .pesq import pesq

Floats = npt.NDArray[np.float64]

FRAME, KEPT = 0.03, 0.95
"""Seconds of a frame, a quarter apart; the part of the frames, those with the least distance, that a mean is of."""
LEAST_SNR, MOST_SNR = -10.0, 35.0
"""dB that the ratio of a frame is limited to."""
CENTRES = (
    50, 120, 190, 260, 330, 400, 470, 540, 617.372, 703.378, 798.717, 904.128, 1020.38, 1148.30, 1288.72, 1442.54,
    1610.70, 1794.16, 1993.93, 2211.08, 2446.71, 2701.97, 2978.04, 3276.17, 3597.63,
)  # fmt: skip
WIDTHS = (
    70, 70, 70, 70, 70, 70, 70, 77.3724, 86.0056, 95.3398, 105.411, 116.256, 127.914, 140.423, 153.823, 168.154,
    183.457, 199.776, 217.153, 235.631, 255.255, 276.072, 298.126, 321.465, 346.136,
)  # fmt: skip
"""Hz of the 25 critical bands (Klatt 1982)."""
_EPS, _LEAST = float(np.finfo(np.float64).eps), 1e-300


def composite(
    restored: Restored, constant: float, *, by_pesq: float, wss: float, llr: float = 0.0, snr: float = 0.0
) -> float:
    """A weighted sum of PESQ and of the distances, held within 1 and 5. Not defined where PESQ is not."""
    quality = pesq(restored)
    if isinstance(quality, NotDefined):
        return quality
    true, output = frames_of(restored.truth, restored.rate), frames_of(restored.output, restored.rate)
    value = constant + by_pesq * quality
    value += llr * least_mean(likelihood_ratios(true, output, restored.rate)) if llr else 0.0
    value += wss * least_mean(weighted_slopes(true, output, restored.rate))
    value += snr * float(frame_snrs(true, output).mean()) if snr else 0.0
    return min(max(value, 1.0), 5.0)


def frames_of(wave: Floats, rate: int) -> Floats:
    """Frames (n, size) of 30 ms under a Hann window, a quarter apart."""
    size, hop = round(FRAME * rate), round(FRAME * rate) // 4
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, size + 1) / (size + 1)))
    last = (len(wave) - size) // hop * hop
    frames: Floats = np.lib.stride_tricks.sliding_window_view(wave + _EPS, size)[:last:hop] * window
    return frames


def least_mean(distances: Floats) -> float:
    """The mean of the 95 % of the frames that have the least."""
    return float(np.sort(distances)[: max(1, round(KEPT * len(distances)))].mean())


def frame_snrs(true: Floats, output: Floats) -> Floats:
    """Signal-to-noise ratio of each frame, dB, within its limits."""
    signal, noise = (true**2).sum(axis=1), ((true - output) ** 2).sum(axis=1)
    ratios: Floats = np.clip(10 * np.log10(signal / (noise + _EPS) + _EPS), LEAST_SNR, MOST_SNR)
    return ratios


def likelihood_ratios(true: Floats, output: Floats, rate: int) -> Floats:
    """log (a' R a / b' R b) of each frame: a and b predict the output and the truth, R is of the truth."""
    order = 10 if rate < 10_000 else 16
    (lags, of_truth), (_, of_output) = predictors(true, order), predictors(output, order)
    apart = np.abs(np.subtract.outer(np.arange(order + 1), np.arange(order + 1)))
    reached, least = (np.einsum("fi,fij,fj->f", one, lags[:, apart], one) for one in (of_output, of_truth))
    # The truth is predicted best by its own coefficients: what is below 1 is rounding.
    ratios: Floats = np.log(np.maximum(reached / np.maximum(least, _LEAST), 1.0))
    return ratios


def predictors(frames: Floats, order: int) -> tuple[Floats, Floats]:
    """Autocorrelation (n, order + 1) of frames, and what predicts them, of which the first is 1: by Levinson."""
    size = frames.shape[1]
    lags = np.stack([(frames[:, : size - lag] * frames[:, lag:]).sum(axis=1) for lag in range(order + 1)], axis=1)
    coefficients = np.zeros_like(lags)
    coefficients[:, 0], error = 1.0, lags[:, 0].copy()
    for lag in range(1, order + 1):
        reflection = -(coefficients[:, :lag] * lags[:, lag:0:-1]).sum(axis=1) / np.maximum(error, _LEAST)
        coefficients[:, 1 : lag + 1] += reflection[:, None] * coefficients[:, lag - 1 :: -1][:, :lag]
        error *= 1 - reflection**2
    return lags, coefficients


def weighted_slopes(true: Floats, output: Floats, rate: int) -> Floats:
    """Weighted distance of the slopes of both spectra over the critical bands, of each frame (Klatt 1982)."""
    (energies, others) = (band_energies(frames, rate) for frames in (true, output))
    slopes, other_slopes = np.diff(energies), np.diff(others)
    weights = (slope_weights(energies, slopes) + slope_weights(others, other_slopes)) / 2
    distances: Floats = (weights * (slopes - other_slopes) ** 2).sum(axis=1) / weights.sum(axis=1)
    return distances


def band_energies(frames: Floats, rate: int) -> Floats:
    """Energy (n, 25) of frames in the critical bands, dB."""
    size = 2 ** int(np.ceil(np.log2(2 * frames.shape[1])))
    half = size // 2
    centres, widths = np.array(CENTRES) * 2 / rate * half, np.array(WIDTHS) * 2 / rate * half
    off = (np.arange(half) - np.floor(centres)[:, None]) / widths[:, None]
    bands = np.exp(-11 * off**2) * (WIDTHS[0] / np.array(WIDTHS))[:, None]
    bands[bands <= np.exp(-30 / (2 * 2.303))] = 0.0
    power = np.abs(np.fft.rfft(frames, size)[:, :half]) ** 2
    energies: Floats = 10 * np.log10(np.maximum(power @ bands.T, 1e-10))
    return energies


def slope_weights(energies: Floats, slopes: Floats) -> Floats:
    """A slope counts more near the largest energy of its frame, and near that of its peak."""
    lower, largest = energies[:, :-1], energies.max(axis=1, keepdims=True)
    weights: Floats = 20 / (20 + largest - lower) / (1 + peaks(energies, slopes) - lower)
    return weights


def peaks(energies: Floats, slopes: Floats) -> Floats:
    """The energy (n, 24) of the peak beside each slope.

    Of a fall that of its first band; of a rise that of the band before its last, as the published code has it.
    """
    up = slopes > 0
    bands = np.arange(slopes.shape[1])
    begun = np.maximum.accumulate(np.where(up, bands + 1, 0), axis=1)
    level = np.where(up, len(bands), bands)[:, ::-1]
    ended = np.minimum.accumulate(level, axis=1)[:, ::-1]
    return np.take_along_axis(energies, np.where(up, ended - 1, begun), axis=1)
