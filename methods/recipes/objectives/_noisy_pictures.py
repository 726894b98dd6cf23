"""What objectives share that read noisy pictures alone: outputs of their shape, and pictures of every s-th pixel."""

from __future__ import annotations

from typing import Any

import noisebench as nb
import torch
import torch.nn.functional as F


def restored(net: Any, y: Any) -> Any:
    """What a network makes of pictures. Raises `UsageError` where it is of another shape, which nothing compares to."""
    output = net(y)
    if output.shape != y.shape:
        raise nb.UsageError(
            f"an objective without clean pictures needs outputs of the shape of the input, {tuple(y.shape)}, "
            f"not {tuple(output.shape)}"
        )
    return output


def taken_apart(y: Any, stride: int, who: str) -> Any:
    """(N, C, H, W) → (s² N, C, H/s, W/s). Raises `UsageError` for sides that are no multiple of the stride."""
    items, channels, height, width = y.shape
    if height % stride or width % stride:
        raise nb.UsageError(f"{who} needs crops whose sides are multiples of {stride}, not {height}×{width}")
    parts = F.pixel_unshuffle(y, stride).view(items, channels, stride**2, height // stride, width // stride)
    return parts.transpose(1, 2).reshape(-1, channels, height // stride, width // stride)


def put_together(parts: Any, stride: int) -> Any:
    """The inverse of `taken_apart`."""
    _, channels, height, width = parts.shape
    grouped = parts.view(-1, stride**2, channels, height, width).transpose(1, 2)
    return F.pixel_shuffle(grouped.reshape(-1, channels * stride**2, height, width), stride)


def one_of_each_cell(stride: int, like: Any) -> Any:
    """A random place in each cell of s x s pixels, for `picked`: (N, 1, H/s W/s) whole numbers below s²."""
    items, _, height, width = like.shape
    return torch.randint(stride**2, (items, 1, (height // stride) * (width // stride)), device=like.device)


def picked(y: Any, places: Any, stride: int) -> Any:
    """The pixels at those places, (N, C, H/s, W/s)."""
    items, channels, height, width = y.shape
    cells = F.pixel_unshuffle(y, stride).view(items, channels, stride**2, -1)
    chosen = cells.gather(2, places.expand(-1, channels, -1)[:, :, None])
    return chosen.view(items, channels, height // stride, width // stride)
