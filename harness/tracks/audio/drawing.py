"""Spectrograms as small pictures: time to the right, frequency upwards, power in dB by colour."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from .clip import Clip, Floats
from .spectra import Frames, stft

WIDE, HIGH, DEPTH = 320, 160, 70.0
"""Pixels, and how many dB below the loudest point of the true clip are told apart."""
LEVELS = 70
"""Of power: one a decibel."""
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
    """A PNG of a palette: a third of the size of one with three channels."""
    from PIL import Image

    rows = np.linspace(0, len(power), HIGH + 1).astype(int)
    columns = np.linspace(0, power.shape[1], WIDE + 1).astype(int)
    picture = _largest(_largest(power, rows, 0), columns, 1)
    share = np.clip(1 + 10 * np.log10(np.maximum(picture / top, 1e-30)) / DEPTH, 0, 1)
    drawn = Image.fromarray(np.rint(share * LEVELS).astype(np.uint8))
    drawn.putpalette(_palette().tobytes())
    file = io.BytesIO()
    drawn.save(file, "png", optimize=True)
    return file.getvalue()


def _palette() -> npt.NDArray[np.uint8]:
    """The colours of all levels, (LEVELS + 1, 3)."""
    place = np.linspace(0, len(_STOPS) - 1, LEVELS + 1)
    red, green, blue = (np.interp(place, range(len(_STOPS)), channel) for channel in zip(*_STOPS, strict=True))
    return np.asarray(np.rint(np.stack([red, green, blue], axis=1)), np.uint8)


def _largest(values: Floats, edges: Floats, axis: int) -> Floats:
    """The largest value between neighbouring edges: a short event stays visible."""
    starts = np.minimum(edges[:-1], values.shape[axis] - 1)
    return np.asarray(np.maximum.reduceat(values, starts, axis=axis))
