"""The picture that costs are measured on."""

from __future__ import annotations

from typing import Any

import numpy as np


def test_picture(height: int, width: int, channels: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A fixed picture with smooth parts, edges and texture: grey (height, width), or (height, width, channels).

    Each channel is the grey picture of 10 pixels further to the right.
    """
    if channels:
        wide = test_picture(height, width + 10 * (channels - 1))
        return np.stack([wide[:, 10 * k : 10 * k + width] for k in range(channels)], axis=2)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = 0.5 + 0.2 * np.sin(x / 17) * np.cos(y / 23) + 0.1 * np.sin(x * y / 997)
    discs = ((x // 32 + y // 32) % 2) * 0.2 - 0.1
    byte: np.ndarray[Any, np.dtype[np.uint8]] = np.rint(np.clip(waves + discs, 0, 1) * 255).astype(np.uint8)
    return byte
