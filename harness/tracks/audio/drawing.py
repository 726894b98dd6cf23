"""Spectrograms as small pictures: time to the right, frequency upwards, power in dB by colour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .clip import Clip, Floats
from .spectra import Frames, stft

WIDE, HIGH, DEPTH = 320, 160, 70.0
"""Pixels, and how many dB below the loudest point of the true clip are told apart."""
_STOPS = ((0, 0, 4), (40, 11, 84), (101, 21, 110), (159, 42, 99), (212, 72, 66), (245, 125, 21), (250, 193, 39),
          (252, 255, 164))  # fmt: skip


def draw_spectrograms(clip: Clip, given: Floats, output: Floats) -> dict[str, bytes]:
    """PNGs `clean`, `noisy` and `restored`, 160 x 320, all on the scale of the true clip."""
    waves = (clip.wave, given, output)
    powers = [_power(wave, clip.rate) for wave in waves]
    top = float(powers[0].max()) or 1.0
    return dict(zip(("clean", "noisy", "restored"), (_png(power, top) for power in powers), strict=True))


def _power(wave: Floats, rate: int) -> Floats:
    """(frequencies, times), the highest frequency first."""
    with np.errstate(over="ignore"):
        spectra = np.abs(stft(wave.astype(np.float64), Frames.of_rate(rate))) ** 2
    return np.asarray(np.nan_to_num(spectra.T[::-1]))


def _png(power: Floats, top: float) -> bytes:
    from ...imaging.pictures import encode_png

    rows = np.linspace(0, len(power), HIGH + 1).astype(int)
    columns = np.linspace(0, power.shape[1], WIDE + 1).astype(int)
    picture = _largest(_largest(power, rows, 0), columns, 1)
    share = np.clip(1 + 10 * np.log10(np.maximum(picture / top, 1e-30)) / DEPTH, 0, 1)
    place, stops = share * (len(_STOPS) - 1), np.array(_STOPS, np.float64)
    low = np.minimum(place.astype(int), len(_STOPS) - 2)
    part = (place - low)[..., None]
    colours: npt.NDArray[np.uint8] = np.rint(stops[low] * (1 - part) + stops[low + 1] * part).astype(np.uint8)
    return encode_png(colours)


def _largest(values: Floats, edges: Floats, axis: int) -> Floats:
    """The largest value between neighbouring edges: a short event stays visible."""
    starts = np.minimum(edges[:-1], values.shape[axis] - 1)
    return np.asarray(np.maximum.reduceat(values, starts, axis=axis))
