"""Multi-scale structural similarity of batches, which gradients pass: what the losses made of it share."""

from __future__ import annotations

from typing import Any

import torch
from noisebench.tracks.restore.metrics._structure import WINDOW
from noisebench.tracks.restore.metrics.ms_ssim import MS_WEIGHTS
from noisebench.tracks.restore.tensor_scoring import blurred, halved, structure_map

_FLOOR = 1e-4
"""Least mean of a term: below 0 it has no power, and near 0 the gradient of a power has no bound."""


def scales_of(pictures: Any) -> tuple[int, int]:
    """How many scales, of five, have room for the window, at least one; and the window, smaller where one has none."""
    side = min(pictures.shape[-2:])
    count, halved = 1, -(-side // 2)
    while count < len(MS_WEIGHTS) and halved >= WINDOW:
        count, halved = count + 1, -(-halved // 2)
    return count, min(WINDOW, side - 1 + side % 2)


def similarity(output: Any, wanted: Any) -> Any:
    """MS-SSIM of each picture of two batches on [0, 1], (B, C, H, W) → (B,); the mean over channels.

    Scales are those that fit; the weights of fewer than five are raised to the sum of all.
    """
    count, window = scales_of(wanted)
    total = sum(MS_WEIGHTS[:count]) / sum(MS_WEIGHTS)  # which is 1.0001, as published
    x, y = _whole(output), _whole(wanted)
    with torch.autocast(x.device.type, enabled=False):  # variances are differences of near numbers
        product: Any = 1.0
        for scale, weight in enumerate(MS_WEIGHTS[:count], 1):
            term = structure_map(x, y, 1.0, luminance=scale == count, window=window).mean(dim=(2, 3))
            product = product * term.clamp(min=_FLOOR) ** (weight / total)
            x, y = (x, y) if scale == count else (halved(x), halved(y))
    return product.mean(dim=1)


def coarse_error(output: Any, wanted: Any) -> Any:
    """Absolute differences weighted by the window of the coarsest scale that fits, the mean over the batch."""
    count, window = scales_of(wanted)
    error = (_whole(output) - _whole(wanted)).abs()
    for _ in range(count - 1):
        error = halved(error)
    with torch.autocast(error.device.type, enabled=False):
        return blurred(error, window).mean()


def _whole(pictures: Any) -> Any:
    return pictures if pictures.dtype == torch.float64 else pictures.float()
