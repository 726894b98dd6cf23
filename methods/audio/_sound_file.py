"""A clip as a WAV for a program, and the clip that a program or somebody else gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import noisebench as nb
import numpy as np
from noisebench.datasets.audio._files import read_sound


def write_wav(file: Path, wave: Any, rate: int, bits: int) -> None:
    """float32 (N,), full scale ±1, as a WAV of 32-bit floats, or clipped and rounded half to even to 16 `bits`."""
    import soundfile

    if bits == 32:
        soundfile.write(file, wave, rate, subtype="FLOAT")
        return
    whole = np.rint(np.clip(wave.astype(np.float64) * 32768, -32768, 32767)).astype(np.int16)
    soundfile.write(file, whole, rate, subtype="PCM_16")


def read_restored(file: Path, shown: str, length: int, rate: int) -> Any:
    """The first channel of a sound file, float64 (N,) on full scale ±1.

    Raises `UsageError` for no sound, `Invalid` for another rate or length than is due; `shown` names the file.
    """
    wave, own_rate = read_sound(file)
    if own_rate != rate:
        raise nb.Invalid(f"{shown} has {own_rate:,} samples a second, where {rate:,} are due: resample it")
    if len(wave) != length:
        raise nb.Invalid(f"{shown} has {len(wave):,} samples, where {length:,} are due: cut or pad it")
    return wave
