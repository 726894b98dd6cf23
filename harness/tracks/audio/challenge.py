"""What a challenge keeps of a clip until it is judged, and how the files of its participants are read."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...data.arrays import read_numbers
from ...text.errors import UsageError, one_line
from .clip import Clip, ClipEffect, Floats
from .mixture import MixedClip


def sealed_arrays(item: Clip) -> dict[str, Floats]:
    """Waveform and rate of a clip, and where they are there closures, the dry clip of an effect, and the mixture."""
    arrays: dict[str, Floats] = {"wave": item.wave, "rate": np.array(item.rate)}
    if item.closures is not None:
        arrays["closures"] = item.closures
    if item.effect is not None:
        arrays |= {
            "dry": item.effect.dry,
            "knobs": item.effect.knobs,
            "settings": np.array(list(item.effect.settings.values()), np.float64),
            "setting_names": np.array(list(item.effect.settings), np.str_),
        }
    if isinstance(item, MixedClip):
        arrays |= {"mixture": item.mixture, "sources": np.array(item.sources)}
    return arrays


def unsealed(name: str, arrays: Mapping[str, Floats]) -> Clip:
    """The item again, under the name that it has in the challenge."""
    wave, rate, closures = arrays["wave"], int(arrays["rate"].item()), arrays.get("closures")
    if "mixture" in arrays:
        sources = tuple(arrays["sources"].tolist())
        return MixedClip(name, wave, rate, closures, mixture=arrays["mixture"], sources=sources)
    effect = None
    if "dry" in arrays:
        settings = dict(zip(arrays["setting_names"].tolist(), arrays["settings"].tolist(), strict=True))
        effect = ClipEffect(arrays["dry"], settings, arrays["knobs"])
    return Clip(name, wave, rate, closures, effect=effect)


def read_output_file(file: Path, wanted: Sequence[int], info: Mapping[str, Any]) -> Floats:
    """A WAV of one channel and the rate of its input, or a `.npy`, as restored clips are, float32 (N,) on ±1.

    Raises `UsageError`.
    """
    if file.suffix == ".npy":
        return read_numbers(file).astype(np.float32)
    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # of chunks that are no sound
            rate, values = wavfile.read(file)
    except (ValueError, EOFError, struct.error) as error:
        raise UsageError(f"it is no WAV ({one_line(error, 80)}): write a WAV or a .npy") from None
    if rate != info["rate"]:
        raise UsageError(f"it has {rate} samples a second: {info['rate']} are due")
    if values.ndim != 1:
        raise UsageError(f"it has {values.shape[1]} channels: one is due")
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32)
    levels = 2 ** (8 * values.dtype.itemsize - 1)
    centred = values - np.float64(levels if values.dtype.kind == "u" else 0)  # WAVs of 8 bits have no sign
    return np.asarray(centred / levels, np.float32)
