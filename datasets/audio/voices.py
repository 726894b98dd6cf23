"""Synthetic voices: glottal pulses through formants, with the instants at which the vocal folds close."""

from __future__ import annotations

from typing import Annotated

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.audio._files import Seed
from noisebench.datasets.audio._keyed_clips import KeyedClips, Number, Seconds
from noisebench.tracks.audio import Clip, as_clip

VOWELS = {
    "a": (730, 1090, 2440), "e": (530, 1840, 2480), "i": (270, 2290, 3010), "o": (570, 840, 2410),
    "u": (300, 870, 2240), "ae": (660, 1720, 2410), "er": (490, 1350, 1690),
}  # fmt: skip
"""Formants of men, Hz (Peterson & Barney 1952)."""
HIGHER, BANDWIDTHS = (3_500, 4_500), (60, 90, 120, 175, 250)
OVER = 8
"""Pulses are drawn at so many times the sample rate, so that an instant of closure need not be a sample."""
STEP = 0.005
"""Seconds between changes of the formants."""


def make_voice(name: str, seconds: float, rate: int, rng: np.random.Generator) -> Clip:
    """A voice that says vowels and hisses with pauses between; its closures are those of the source."""
    count = max(2, round(seconds * rate))
    pitch, tract = rng.uniform(85, 230), rng.uniform(0.95, 1.2)
    steps = int(np.ceil(count / (STEP * rate))) + 1
    voiced, hissed, formants = _script(steps, tract, rng)
    source, closures = _pulses(count, rate, pitch, voiced, rng)
    breath = rng.standard_normal(count)
    at = np.minimum((np.arange(count) / (STEP * rate)).astype(int), steps - 1)
    source = source + 0.01 * breath * voiced[at]
    wave = _resonate(source, rate, formants)
    wave = wave / max(float(np.abs(wave).max()), 1e-9)
    wave = wave + 0.08 * hissed[at] * np.diff(breath, prepend=0.0)
    return as_clip(name, wave, rate, level=-26.0, closures=closures)


def _script(steps: int, tract: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By step: how loud the voice and the hiss are, on [0, 1], and the formants (steps, 5) in Hz, which glide."""
    voiced, hissed = np.zeros(steps), np.zeros(steps)
    targets = np.zeros((steps, 5))
    names, place, spoken = list(VOWELS), int(rng.integers(4, 16)), 0
    vowel = names[int(rng.integers(len(names)))]
    targets[:place] = (*(f * tract for f in VOWELS[vowel]), *HIGHER)
    while place < steps:
        vowel = names[int(rng.integers(len(names)))]
        length = int(rng.integers(16, 44))
        end = min(place + length, steps)
        targets[place:end] = (*(f * tract for f in VOWELS[vowel]), *HIGHER)
        voiced[place:end] = rng.uniform(0.5, 1.0)
        spoken += 1
        # After some syllables a hiss; after some more a pause.
        after = int(rng.integers(8, 24)) if rng.random() < 0.35 else 0
        hissed[end : end + after] = 1.0
        rest = int(rng.integers(30, 60)) if spoken % 5 == 0 else int(rng.integers(0, 8))
        targets[end : end + after + rest] = targets[end - 1]
        place = end + after + rest
    smooth = np.hanning(9) / np.hanning(9).sum()
    glide = [np.convolve(np.pad(column, 4, mode="edge"), smooth, mode="valid") for column in targets.T]
    rising = [np.convolve(np.pad(loud, 4), smooth, mode="valid") for loud in (voiced, hissed)]
    return rising[0], rising[1], np.stack(glide, axis=1)


def _pulses(
    count: int, rate: int, pitch: float, voiced: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The derivative of the glottal flow u²(1 - u) (N,), and the instants of closure in seconds, where it jumps."""
    from scipy.signal import resample_poly

    fine = rate * OVER
    source = np.zeros(count * OVER)
    closures, time, seconds = [], 0.0, count / rate
    drift, tremor = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.6, 1.4)
    while True:
        period = 1 / (pitch * (1 + 0.12 * np.sin(2 * np.pi * tremor * time + drift[0]) + 0.01 * rng.standard_normal()))
        time += period
        if time >= seconds:
            break
        loud = float(np.interp(time / STEP, np.arange(len(voiced)), voiced))
        if loud < 0.02:
            continue
        opened = 0.6 * period
        first, last = int(np.ceil((time - opened) * fine)), int(np.ceil(time * fine))
        u = (np.arange(max(first, 0), last) / fine - (time - opened)) / opened
        source[max(first, 0) : last] += loud * (2 * u - 3 * u**2)
        closures.append(time)
    return resample_poly(source, 1, OVER)[:count], np.array(closures)


def _resonate(source: np.ndarray, rate: int, formants: np.ndarray) -> np.ndarray:
    """Through one resonance after another, of gain 1 at 0 Hz; those above 90 % of half the rate are left out."""
    from scipy.signal import lfilter

    wave, hop = source, STEP * rate
    for number, width in enumerate(BANDWIDTHS):
        if formants[:, number].max() > 0.45 * rate:
            continue
        radius, out, state = np.exp(-np.pi * width / rate), np.empty_like(wave), np.zeros(2)
        for step in range(len(formants)):
            part = slice(round(step * hop), round((step + 1) * hop))
            if part.start >= len(wave):
                break
            cosine = np.cos(2 * np.pi * formants[step, number] / rate)
            poles = np.array([1.0, -2 * radius * cosine, radius**2])
            out[part], state = lfilter([poles.sum()], poles, wave[part], zi=state)
        wave = out
    return wave


@nb.dataset("voices", track="audio", licence="CC0-1.0 (made here)", speech=True)
def voices(
    *,
    n: Number = 8,
    seconds: Seconds = 2.0,
    rate: Annotated[int, Ge(4_000), Le(96_000)] = 16_000,
    seed: Seed = 0,
) -> KeyedClips:
    """Synthetic voices, each of a pitch and vocal tract of its own, saying vowels and hisses with pauses between.

    Pulses of the glottal flow u²(1 - u), open for 0.6 of a period, go through up to five formants that glide. The clips
    know the instants of closure, which methods that look for them are scored by. The RMS is -26 dB of full scale.
    seed: other voices.
    """
    return KeyedClips(
        "voice", n, f"voices|{seconds!r}|{rate}|{seed}", lambda name, _, rng: make_voice(name, seconds, rate, rng)
    )
