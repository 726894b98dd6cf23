"""Track `audio`: a noisy clip in, a clip as clean as can be out. Below: what its components need."""

from .clip import Clip, ClipEffect, Floats, as_clip, clip_sha256
from .egg import egg_of
from .enhancer import Enhancer
from .pitch import pitch_period
from .spectra import Frames, istft, resampled, stft

__all__ = [
    "Clip",
    "ClipEffect",
    "Enhancer",
    "Floats",
    "Frames",
    "as_clip",
    "clip_sha256",
    "egg_of",
    "istft",
    "pitch_period",
    "resampled",
    "stft",
]
