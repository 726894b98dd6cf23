"""Bands of frequencies of pictures and features: what a strided layer can carry, and what lies beyond it."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def nyquist(inputs: int, outputs: int, strides: tuple[int, int]) -> float:
    """The highest frequency that a layer can carry, in cycles a pixel of its input, at most 0.5.

    Half the equivalent sampling rate, which counts the channels too: sqrt(outputs / inputs) / stride (Chen et al.).
    """
    return min(0.5, 0.5 * math.sqrt(outputs / (inputs * strides[0] * strides[1])))


def _below_limit(size: Any, limit: float, device: Any) -> Any:
    """1 where both frequencies of a spectrum are below `limit`, which holds for f wherever it does for -f."""
    rows, columns = (torch.fft.fftfreq(side, device=device).abs() < limit for side in size)
    return rows[:, None] & columns


def low_band(x: Any, limit: float) -> Any:
    """(B, C, H, W) without its frequencies from `limit` on, along either axis; from 0.5 on as it is."""
    if limit >= 0.5:
        return x
    height, width = x.shape[-2:]
    inside = _below_limit((height, width), limit, x.device)[:, : width // 2 + 1]
    with torch.autocast(x.device.type, enabled=False):
        spectrum = torch.fft.rfft2(x if x.dtype == torch.float64 else x.float())
        return torch.fft.irfft2(spectrum * inside, s=(height, width)).to(x.dtype)


def aliasing_score(x: Any, limit: float) -> Any:
    """The share of the power of each (C, H, W) in a batch that lies at `limit` and beyond, (B,): 0 to 1.

    Both axes are judged, and the constant counts. A batch of nothing but 0 has 0.
    """
    power = torch.fft.fft2(x.double()).abs().square()
    total = power.sum(dim=(1, 2, 3))
    beyond = (power * ~_below_limit(x.shape[-2:], limit, x.device)).sum(dim=(1, 2, 3))
    return torch.where(total > 0, beyond / total, torch.zeros_like(total)) if limit < 0.5 else torch.zeros_like(total)


class LowBand(nn.Module):
    """De-aliasing filter: frequencies that the layer behind it cannot carry are taken away."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: Any) -> Any:
        return low_band(x, self.limit)


class FrequencyMix(nn.Module):
    """Low and high band, each times a gate of its places and one of its channels; at first all gates are 1."""

    def __init__(self, channels: int, limit: float) -> None:
        super().__init__()
        self.limit = limit
        self.places = nn.Conv2d(channels, 2, 3, padding=1)
        self.channels = nn.Linear(2 * channels, 2 * channels)
        for layer in (self.places, self.channels):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Any) -> Any:
        low = low_band(x, self.limit)
        high = x - low
        places = 2 * torch.sigmoid(self.places(x))
        # The high band has mean 0: its strength is that of its magnitudes.
        strength = torch.cat([low.mean(dim=(2, 3)), high.abs().mean(dim=(2, 3))], dim=1)
        gates = 2 * torch.sigmoid(self.channels(strength))[..., None, None]
        of_low, of_high = gates.chunk(2, dim=1)
        return low * places[:, :1] * of_low + high * places[:, 1:] * of_high


class Blur(nn.Module):
    """The binomial filter 1 2 1 along both axes, with edges repeated."""

    def forward(self, x: Any) -> Any:
        y = F.pad(x, (1, 1, 1, 1), mode="replicate")
        y = (y[..., :-2, :] + 2 * y[..., 1:-1, :] + y[..., 2:, :]) / 4
        return (y[..., :-2] + 2 * y[..., 1:-1] + y[..., 2:]) / 4
