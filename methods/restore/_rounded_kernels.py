"""Kernels of a network that comes with noisebench: rounded, and packed into a file of some 650 kB a million weights."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

LARGE = 60_000
"""Kernels of so many weights have 5 bits in place of 8: most of a file, at no loss of 0.01 dB."""
SMALL = 12_000
"""Kernels of fewer weights, which see all pixels, have 12 bits: 8 lose 0.05 dB."""
_CLIPS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""Shares of a channel's largest weight, of which the one with the smallest squared error is the end of its range."""


def write_kernels(kernels: Mapping[str, Any], to: Path, *, transposed: str, recipe: str) -> None:
    """Round kernels by name to whole multiples of a step of their output channel, and write them as xz of safetensors.

    Those whose name begins with `transposed` have their output channels second. The recipe becomes metadata.
    """
    tensors: dict[str, Any] = {}
    for name, kernel in kernels.items():
        others = (0, 2, 3) if name.startswith(transposed) else (1, 2, 3)
        bits = 5 if kernel.numel() >= LARGE else 12 if kernel.numel() < SMALL else 8
        whole, step = _rounded(kernel.float(), bits, others)
        tensors |= {name: whole, f"{name}.step": step}
    to.write_bytes(lzma.compress(save(tensors, metadata={"recipe": recipe}), preset=9 | lzma.PRESET_EXTREME))


def _rounded(kernel: Any, bits: int, others: tuple[int, ...]) -> tuple[Any, Any]:
    largest = kernel.abs().amax(dim=others, keepdim=True).clamp_min(1e-12)
    most = 2 ** (bits - 1) - 1
    best: tuple[Any, Any, Any] | None = None
    for clip in _CLIPS:
        step = clip * largest / most
        whole = (kernel / step).round().clamp(-most, most)
        error = (whole * step - kernel).square().sum(dim=others, keepdim=True)
        if best is None:
            best = (error, whole, step)
        else:
            closer = error < best[0]
            best = tuple(  # type: ignore[assignment]
                torch.where(closer, new, old) for new, old in zip((error, whole, step), best, strict=True)
            )
    assert best is not None
    return best[1].to(torch.int8 if bits <= 8 else torch.int16), best[2]


def read_kernels(file: Path) -> dict[str, Any]:
    """Kernels by name, in float32."""
    stored = load(lzma.decompress(file.read_bytes()))
    return {name: stored[name].float() * stored[f"{name}.step"] for name in stored if not name.endswith(".step")}


def read_recipe(file: Path) -> str:
    """The recipe that kernels were trained by."""
    data = lzma.decompress(file.read_bytes())
    size = int.from_bytes(data[:8], "little")
    return str(json.loads(data[8 : 8 + size])["__metadata__"]["recipe"])
