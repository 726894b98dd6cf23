"""Synthetic instruments, each playing notes of its own."""

from __future__ import annotations

from typing import Annotated, Literal

import noisebench as nb
import numpy as np
from annotated_types import Ge, Le
from noisebench.datasets.audio._files import Seed
from noisebench.datasets.audio._keyed_clips import KeyedClips, Number, Seconds
from noisebench.tracks.audio import Clip, as_clip

KINDS = ("plucked", "bowed", "flute", "organ", "bell")
Kind = Literal["plucked", "bowed", "flute", "organ", "bell"]
SCALE = (0, 2, 4, 7, 9)
"""Semitones of a pentatonic scale."""


def make_melody(name: str, kind: str, seconds: float, rate: int, rng: np.random.Generator) -> Clip:
    """Notes one after the other, each ringing on under the next."""
    count = max(2, round(seconds * rate))
    wave, time = np.zeros(count), 0.0
    while time < seconds:
        octave, degree = int(rng.integers(0, 2)), int(rng.integers(len(SCALE)))
        pitch = 196.0 * 2 ** (octave + SCALE[degree] / 12)
        length = rng.uniform(0.15, 0.5)
        first = round(time * rate)
        note = _note(kind, pitch, length, rate, rng)[: count - first]
        wave[first : first + len(note)] += rng.uniform(0.5, 1.0) * note
        time += length
    return as_clip(name, wave, rate, level=-26.0)


def _note(kind: str, pitch: float, length: float, rate: int, rng: np.random.Generator) -> np.ndarray:
    """A note that is held for `length` seconds and rings for 0.3 s more."""
    time = np.arange(max(1, round((length + 0.3) * rate))) / rate
    rise, fall = {"plucked": (0.002, 0.1), "bowed": (0.06, 0.08), "flute": (0.04, 0.05), "organ": (0.01, 0.03),
                  "bell": (0.002, 0.3)}[kind]  # fmt: skip
    envelope = np.minimum(time / rise, 1.0) * np.where(time < length, 1.0, np.exp(-(time - length) / fall))
    sway = 0.006 * np.sin(2 * np.pi * 5.5 * time) / (2 * np.pi * 5.5) if kind in ("bowed", "flute") else 0.0
    out = np.zeros_like(time)
    for number in range(1, 17):
        ratio, gain, decay = _partial(kind, number)
        if gain and ratio * pitch < 0.45 * rate:
            phase = 2 * np.pi * ratio * pitch * (time + sway) + rng.uniform(0, 2 * np.pi)
            out += gain * np.exp(-decay * time) * np.sin(phase)
    if kind == "flute":
        out += 0.02 * rng.standard_normal(len(time))
    return np.asarray(out * envelope)


def _partial(kind: str, number: int) -> tuple[float, float, float]:
    """Of a partial: its frequency over the pitch, its gain, and how fast it decays, 1/s."""
    if kind == "plucked":
        return number * (1 + 2e-4 * number**2), 1 / number, 1.5 + 1.2 * number
    if kind == "bowed":
        return number, 1 / number, 0.0
    if kind == "flute":
        return number, 0.25 ** (number - 1) if number < 5 else 0.0, 0.0
    if kind == "organ":
        return number, 1 / number if number in (1, 2, 3, 4, 6, 8) else 0.0, 0.0
    ratios = (0.56, 0.92, 1.19, 1.71, 2.0, 2.74, 3.0, 3.76, 4.07)
    return (ratios[number - 1], 1 / number, 0.8 * number) if number <= len(ratios) else (1.0, 0.0, 0.0)


@nb.dataset("instruments", track="audio", licence="CC0-1.0 (made here)")
def instruments(
    *,
    n: Number = 10,
    kinds: tuple[Kind, ...] = (),
    seconds: Seconds = 2.0,
    rate: Annotated[int, Ge(4_000), Le(96_000)] = 16_000,
    seed: Seed = 0,
) -> KeyedClips:
    """Melodies on synthetic instruments: plucked and bowed strings, flute, organ and bell, in turn.

    Sums of up to 16 partials below 0.45 of the rate, with the attack and decay of their kind; bells are not harmonic.
    kinds: these alone. The RMS is -26 dB of full scale. seed: other melodies.
    """
    chosen = tuple(dict.fromkeys(kinds)) or KINDS

    def make(name: str, number: int, rng: np.random.Generator) -> Clip:
        return make_melody(name, chosen[number % len(chosen)], seconds, rate, rng)

    return KeyedClips("melody", n, f"instruments|{','.join(chosen)}|{seconds!r}|{rate}|{seed}", make)
