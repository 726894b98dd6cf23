"""The usual pitch period of a voice."""

from __future__ import annotations

import numpy as np

from .clip import Floats


def pitch_period(wave: Floats, rate: int) -> float:
    """The usual pitch period of a voice, s, from 60 to 400 Hz: the median over frames of 40 ms, of the louder half.

    Of each the least lag at which the autocorrelation has a maximum of 0.85 of the largest one or more, all lags being
    weighed alike. It is that of a flatter spectrum, |X|^(2/3) in place of |X|² (generalised autocorrelation, Tolonen &
    Karjalainen 2000), so that a strong formant is not taken for the pitch. Where there is none, as in silence, it is
    1/60.
    """
    size = round(0.04 * rate)
    padded = np.pad(wave, (0, max(size - len(wave), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 4]
    magnitudes = np.abs(np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2 * size))
    alike = np.fft.irfft(magnitudes ** (2 / 3))[:, :size] / (1 - np.arange(size) / size)
    least, most = int(rate / 400), int(rate / 60) + 1
    near = alike[:, least - 1 : most + 2]
    middle = near[:, 1:-1]
    maximum = (middle > near[:, :-2]) & (middle >= near[:, 2:]) & (middle > 0)
    largest = np.where(maximum, middle, 0).max(axis=1, keepdims=True)
    enough = maximum & (middle >= 0.85 * largest)
    used = enough.any(axis=1) & (alike[:, 0] >= np.median(alike[:, 0]))
    return float(np.median(least + enough[used].argmax(axis=1))) / rate if used.any() else 1 / 60
