"""An item of `audio` that is one source of several: the clip to be found, what it lies in, and of which class it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .clip import Clip, Floats, clip_sha256


@dataclass(frozen=True, eq=False, kw_only=True)
class MixedClip(Clip):
    """A clip `wave` that is to be found in `mixture`, float32 (N,), which a regime and then a method are given.

    `sources` are the numbers of the classes that sound in it, that of `wave` first: it alone is told.
    """

    mixture: Floats
    sources: tuple[int, ...]

    @property
    def posed(self) -> Floats:
        """What a regime lies over: the mixture."""
        return self.mixture


def as_mixture(name: str, clips: Sequence[Clip], sources: Sequence[int]) -> MixedClip:
    """The sum of clips of one length and rate, of which the first is to be found; each has the power of the first.

    Raises ValueError for clips that do not go together, silence, or not one class, of its own, for each of two or more.
    """
    first = clips[0] if clips else None
    if first is None or len(clips) < 2 or len(sources) != len(clips) or len({*sources}) != len(clips):
        raise ValueError("two clips or more are due, and for each a class of its own")
    total = first.wave.astype(np.float64)
    power = float(np.mean(total**2))
    for clip in clips:
        if (len(clip.wave), clip.rate) != (len(first.wave), first.rate):
            raise ValueError(
                f"clips of one length and rate are due, not {len(first.wave)} samples at {first.rate} Hz and "
                f"{len(clip.wave)} at {clip.rate} Hz"
            )
        clip_power = float(np.mean(clip.wave.astype(np.float64) ** 2))
        if clip_power < 1e-18:
            raise ValueError("a source is silent")
        if clip is not first:
            total = total + clip.wave.astype(np.float64) * np.sqrt(power / clip_power)  # numpy 1 would stay at float32
    return MixedClip(
        name, first.wave, first.rate, mixture=total.astype(np.float32), sources=tuple(int(one) for one in sources)
    )


def item_sha256(clip: Clip) -> str:
    """The hash of the clip, and of the mixture that it lies in with its classes."""
    plain = clip_sha256(clip)
    if not isinstance(clip, MixedClip):
        return plain
    sha = hashlib.sha256(f"{plain} {clip.sources}\n".encode() + clip.mixture.astype("<f4").tobytes())
    return sha.hexdigest()
