"""What recipes share that know which points of the spectrum of a picture were measured (`regime=kspace`)."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import torch


def sampled_of(batch: Any, who: str) -> Any:
    """(N, 1, H, W), 1 where the FFT of a given picture was measured. Raises `UsageError` where a batch does not say."""
    if "sampled" not in batch:
        raise nb.UsageError(f"{who} needs to know what was measured of the spectrum: train it with regime=kspace(…)")
    return batch["sampled"]


def spectrum(pictures: Any) -> Any:
    """The orthonormal FFT of each channel, in full precision."""
    return torch.fft.fft2(pictures.float(), norm="ortho")


def picture_of(measured: Any) -> Any:
    """The real part of the inverse: what a regime gives of a spectrum that is 0 where nothing was measured."""
    return torch.fft.ifft2(measured, norm="ortho").real


def measured_noise(like: Any, sampled: Any, deviation: Any) -> Any:
    """What noise on the measured points does to a picture: `deviation` is of its real and of its imaginary part."""
    real, imaginary = torch.randn(2, *like.shape, device=like.device)
    return picture_of(sampled * deviation * torch.complex(real, imaginary))


def drawn_levels(items: int, least: float, most: float, device: Any) -> Any:
    """A level of noise for each item, (N, 1, 1, 1), evenly between two of the scale of 255."""
    return (least + (most - least) * torch.rand(items, 1, 1, 1, device=device)) / 255
