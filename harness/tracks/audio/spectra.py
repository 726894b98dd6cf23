"""Short-time spectra, another sample rate, and noise at a level: what regimes, metrics and methods share."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from ...text.errors import UsageError
from .clip import Floats


@dataclass(frozen=True)
class Frames:
    """How a clip is cut: `size` samples of a periodic Hann window (its root where `root`), every `hop` samples."""

    size: int
    hop: int
    root: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.hop <= self.size // 2:
            raise UsageError(f"hop={self.hop} must be 1 to {self.size // 2} for frames of {self.size} samples")

    @property
    def window(self) -> Floats:
        """The weights of a frame, (size,)."""
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.size) / self.size)
        return np.sqrt(hann) if self.root else hann

    @classmethod
    def of_rate(cls, rate: int) -> Frames:
        """Frames of about 32 ms, an even power of two of samples, three quarters of which the next one shares."""
        size = 2 ** max(5, round(np.log2(0.032 * rate)))
        return cls(size, size // 4)


def stft(wave: Floats, frames: Frames) -> Floats:
    """The spectra of a clip (N,): complex (T, size // 2 + 1). Zeros stand around it: `istft` is exact."""
    size, hop = frames.size, frames.hop
    count = 1 + -(-(len(wave) + size - hop) // hop)
    padded = np.zeros((count - 1) * hop + size)
    padded[size - hop : size - hop + len(wave)] = wave
    cut = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.fft.rfft(cut * frames.window, axis=1)


def istft(spectra: Floats, frames: Frames, length: int) -> Floats:
    """The clip (length,) whose spectra are nearest in least squares: of those of `stft` the clip itself."""
    size, hop = frames.size, frames.hop
    window = frames.window
    parts = np.fft.irfft(spectra, n=size, axis=1) * window
    wave, weight = (np.zeros((len(parts) - 1) * hop + size) for _ in range(2))
    for place, part in enumerate(parts):
        wave[place * hop : place * hop + size] += part
        weight[place * hop : place * hop + size] += window**2
    inside = slice(size - hop, size - hop + length)
    return np.asarray(wave[inside] / np.maximum(weight[inside], 1e-12))


def resampled(wave: Floats, rate: int, wanted: int) -> Floats:
    """The clip (N,) at another sample rate, float64, by a linear-phase low-pass filter."""
    if rate == wanted:
        return np.asarray(wave, np.float64)
    from scipy.signal import resample_poly

    common = gcd(rate, wanted)
    return np.asarray(resample_poly(np.asarray(wave, np.float64), wanted // common, rate // common))


def power(wave: Floats) -> float:
    """The mean square about the mean."""
    return float(np.var(np.asarray(wave, np.float64)))


def with_noise(wave: Floats, noise: Floats, snr: float, regime: str) -> tuple[Floats, dict[str, Any]]:
    """`wave` with `noise` at exactly `snr` dB over the clip, and what is told: `snr`, and `sigma`, its RMS.

    Raises `UsageError` where either is silent.
    """
    speech, other = power(wave), power(noise)
    if speech < 1e-18 or other < 1e-18:
        silent = "the clip" if speech < 1e-18 else "the noise"
        raise UsageError(f"regime {regime}: {silent} is silent, so that there is no SNR: leave it out")
    sigma = float(np.sqrt(speech * 10 ** (-snr / 10)))
    return wave + (noise - noise.mean()) * (sigma / np.sqrt(other)), {"snr": float(snr), "sigma": sigma}
