"""Track `audio`: a noisy clip in, a clip as clean as can be out. Below: what its components need."""

from .clip import Clip, ClipEffect, Floats, as_clip, clip_sha256
from .enhancer import Enhancer
from .spectra import Frames, istft, resampled, stft

__all__ = ["Clip", "ClipEffect", "Enhancer", "Floats", "Frames", "as_clip", "clip_sha256", "istft", "resampled", "stft"]
