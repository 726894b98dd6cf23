"""An item of `audio`: a clip as it is without noise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...text.errors import one_line

Floats = npt.NDArray[Any]
MOST = 2**26
"""The most samples of a clip: 70 minutes at 16 kHz."""
RATES = (1_000, 384_000)
"""The least and the largest sample rate, Hz."""


@dataclass(frozen=True, eq=False)
class ClipEffect:
    """What a clip was made by: the `dry` clip, float32 (N,), and the `settings` of an effect, by name, in their units.

    `knobs` (K,) are the same settings in their order, each on [-0.5, 0.5] of its range.
    """

    dry: Floats
    settings: Mapping[str, float]
    knobs: Floats


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip `wave`, float32 (N,), full scale ±1, of `rate` samples a second.

    `closures` (K,) are the instants at which the vocal folds close, in seconds, where they are known: the scorer's
    alone. Clips of one `group` (a recording, a speaker) count as one in every test. Where the clip is what an `effect`
    makes of a dry one, a method is given the dry one and is told the settings.
    """

    id: str
    wave: Floats
    rate: int
    closures: Floats | None = None
    group: str = ""
    effect: ClipEffect | None = None

    @property
    def posed(self) -> Floats:
        """What a regime lies over: the waveform, or the dry one of an effect."""
        return self.wave if self.effect is None else self.effect.dry

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.wave) / self.rate


def as_clip(
    name: str, wave: Any, rate: int, *, level: float | None = None, closures: Any = None, group: str = ""
) -> Clip:
    """An item of a waveform, any real numbers (N,). Its mean is removed; `level` is its RMS in dB of full scale.

    Raises ValueError for no waveform, values that are not finite, a rate outside 1,000-384,000 Hz, silence that is to
    have a level, and closures that do not rise or lie outside the clip.
    """
    values = np.asarray(wave)
    if values.ndim != 1 or not 1 <= len(values) <= MOST or values.dtype.kind not in "fiu":
        raise ValueError(f"a waveform of 1 to {MOST:,} numbers is due, not {values.dtype} {values.shape}")
    if not RATES[0] <= rate <= RATES[1]:
        raise ValueError(f"a rate of {rate} Hz: from {RATES[0]:,} to {RATES[1]:,} is due")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a waveform of finite numbers is due")
    values = values - values.mean()
    if level is not None:
        rms = float(np.sqrt(np.mean(values**2)))
        if rms < 1e-9:
            raise ValueError("it is silent, so that it can be given no level: leave it out, or give level=none")
        values = values * (10 ** (level / 20) / rms)
    known = None if closures is None else np.asarray(closures, np.float64)
    if known is not None and (known.ndim != 1 or (np.diff(known) <= 0).any() or not _inside(known, len(values) / rate)):
        raise ValueError("closures are instants inside the clip, in seconds, each later than the one before")
    return Clip(name, values.astype(np.float32), int(rate), known, group)


def clip_sha256(clip: Clip) -> str:
    """The hash of waveform, rate, closures and effect."""
    sha = hashlib.sha256(f"{clip.rate} {len(clip.wave)}\n".encode() + clip.wave.astype("<f4").tobytes())
    if clip.closures is not None:
        sha.update(clip.closures.astype("<f8").tobytes())
    if clip.effect is not None:
        sha.update(clip.effect.dry.astype("<f4").tobytes() + clip.effect.knobs.astype("<f8").tobytes())
        sha.update(repr(sorted(clip.effect.settings.items())).encode())
    return sha.hexdigest()


def who(clip: Clip) -> str:
    """Its id as a message has it."""
    return one_line(repr(clip.id), 60)


def _inside(instants: Floats, seconds: float) -> bool:
    return bool(np.isfinite(instants).all() and (instants >= 0).all() and (instants < seconds).all())
