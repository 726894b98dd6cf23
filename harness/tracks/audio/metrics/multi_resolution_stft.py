from __future__ import annotations

import numpy as np

from ....components.decorators import metric
from ....text.errors import NotDefined
from ..clip import Floats
from ..scored import Restored

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""Size of the transform, hop and window in samples, of Parallel WaveGAN."""
FLOOR = 1e-7
"""Of power: below it counts as it, as in the public code."""


@metric("multi_resolution_stft", title="multi-resolution STFT", track="audio", higher=False, order=5, decimals=3)
def multi_resolution_stft(restored: Restored) -> float:
    """Spectral convergence plus the mean absolute difference of log magnitudes, mean of three resolutions; 0 is best.

    ‖|S| - |Ŝ|‖ / ‖|S|‖ + mean |log |S| - log |Ŝ||, Hann windows of 600, 1200 and 240 samples every 120, 240 and 50, in
    transforms of 1024, 2048 and 512 (Yamamoto et al. 2020). Resolutions are in samples, so that clips of one rate
    compare. Not defined where the true clip is silent.
    """
    if not restored.truth.any():
        return NotDefined("the true clip is silent")
    distances = []
    for size, hop, window in RESOLUTIONS:
        true, output = (_magnitudes(wave, size, hop, window) for wave in (restored.truth, restored.output))
        convergence = np.linalg.norm(true - output) / np.linalg.norm(true)
        distances.append(convergence + np.mean(np.abs(np.log(true) - np.log(output))))
    return float(np.mean(distances))


def _magnitudes(wave: Floats, size: int, hop: int, window: int) -> Floats:
    """(T, size // 2 + 1): frames around each multiple of `hop`, the clip mirrored at its ends."""
    weights = np.zeros(size)
    start = (size - window) // 2
    weights[start : start + window] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    padded = np.pad(wave, size // 2, mode="reflect" if len(wave) > size // 2 else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.asarray(np.sqrt(np.maximum(np.abs(np.fft.rfft(frames * weights, axis=1)) ** 2, FLOOR)))
