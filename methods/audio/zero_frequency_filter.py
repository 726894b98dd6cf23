from __future__ import annotations

from typing import Annotated, Any, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.methods.audio._glottal import falling_at
from noisebench.tracks.audio.egg import egg_of
from noisebench.tracks.audio.pitch import pitch_period


@nb.method("zero_frequency_filter", track="audio", blind=True, cite="K. S. R. Murty & B. Yegnanarayana 2008")
def zero_frequency_filter(
    wave: Any,
    info: Any,
    *,
    periods: Annotated[float, Ge(0.1), Le(10)] = 1.3,
    shape: Annotated[Literal["falls", "egg"], nb.Later()] = "falls",
) -> Any:
    """Glottal closures where the clip, through two resonators at 0 Hz and less its trend, crosses zero: a wave that
    falls at each.

    periods: the trend is the mean over so many usual pitch periods, which are found by autocorrelation; the authors
    have 1 to 2. It is taken away three times. Of the two directions that one is taken in which zero is crossed more
    steeply on average, so that the polarity of the clip does not matter. shape: what is returned rises in a line
    between the falls, or is the electroglottograph of the closures, of the shape that those of `voices` have.
    """
    speech = wave.astype(np.float64)
    if len(speech) < 2:
        return np.zeros_like(wave)
    half = max(1, round(periods * pitch_period(speech, info.rate) * info.rate / 2))
    filtered = zero_frequency_filtered(speech, half)
    (rising, steep), (sinking, other) = _crossings(filtered), _crossings(-filtered)
    # A difference lies half a sample before the later one of its two.
    chosen = (rising if steep >= other else sinking) - 0.5
    drawn = falling_at if shape == "falls" else egg_of
    return drawn(chosen[chosen >= 0] / info.rate, info.rate, len(wave)).astype(np.float32)


def zero_frequency_filtered(speech: np.ndarray, half: int) -> np.ndarray:
    """The difference of a clip (N,), integrated four times, less its mean over 2 `half` + 1 samples three times: (N,).

    Two integrations and one subtraction are a finite filter: nothing grows with the length of the clip. No delay.
    """
    from scipy.signal import oaconvolve

    trend = np.full(2 * half + 1, -1 / (2 * half + 1))
    trend[half] += 1
    # The last two values of the double sum are 0; without them it has 2 half - 1 and is symmetric.
    twice = np.cumsum(np.cumsum(trend))[: 2 * half - 1]
    filtered = np.diff(speech, prepend=0.0)
    for part in (twice, twice, trend):
        filtered = oaconvolve(filtered, part, mode="full")[(len(part) - 1) // 2 :][: len(speech)]
    return np.asarray(filtered)


def _crossings(wave: np.ndarray) -> tuple[np.ndarray, float]:
    """Where it comes from below zero, in samples, on the line between two of them, and how steeply on average."""
    at = np.flatnonzero((wave[:-1] < 0) & (wave[1:] >= 0))
    slopes = wave[at + 1] - wave[at]
    return np.asarray(at - wave[at] / slopes), float(slopes.mean()) if len(at) else 0.0
