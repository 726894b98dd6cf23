"""Clips to listen to on the page of a report, as WAV files."""

from __future__ import annotations

import io
import wave as wav

import numpy as np

from .clip import Clip, Floats

SECONDS, MOST = 20, 1_000_000
"""The longest and the largest that is kept of a clip, in seconds and in bytes: 10.4 s at 48 kHz."""
PEAK = 0.5
"""Where the louder of the true and the noisy clip has its peak, of full scale: a restored clip may be twice as loud."""


def cut_sounds(clip: Clip, given: Floats, output: Floats) -> dict[str, bytes]:
    """WAVs `clean.wav`, `noisy.wav` and `restored.wav`, 16 bit, one channel, all three by one factor.

    A longer clip is cut.
    The factor is that of the true and the noisy clip, so that what several methods made is heard at its level. A
    restored clip that would go beyond full scale has a smaller factor of its own: none is clipped.
    """
    most = min(SECONDS * clip.rate, (MOST - 44) // 2)
    true, noisy, restored = (one[:most].astype(np.float64) for one in (clip.wave, given, output))
    loudest = max(_peak(true), _peak(noisy))
    factor = PEAK / loudest if loudest else 1.0
    restored_factor = min(factor, 1 / _peak(restored)) if _peak(restored) else factor
    return {
        "clean.wav": _wav(true * factor, clip.rate),
        "noisy.wav": _wav(noisy * factor, clip.rate),
        "restored.wav": _wav(restored * restored_factor, clip.rate),
    }


def _peak(values: Floats) -> float:
    return float(np.abs(values).max(initial=0.0))


def _wav(values: Floats, rate: int) -> bytes:
    file = io.BytesIO()
    with wav.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.rint(values * 32_767).astype("<i2").tobytes())
    return file.getvalue()
