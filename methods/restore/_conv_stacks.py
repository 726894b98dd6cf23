"""Published denoising networks: architectures written from their papers, parameters from the authors' files.

All of them are stacks of 3x3 convolutions with ReLU between. Batch norm, where a file has it, is a fixed scale
and shift at test time, so it is folded into the convolution before it. The files are not in the package: see
`weights.csv` for their names, hashes and origins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import noisebench as nb

WEIGHTS = nb.read_weight_table(Path(__file__).with_name("weights.csv"))

Layers = list[tuple[Any, Any]]
"""Kernel (out, in, 3, 3) and bias (out,) or None of each convolution, in order."""


def known_hashes(network: str) -> dict[str, str]:
    """What identifies the parameters of a network in the key of a cell: its preferred file → SHA-256."""
    first = WEIGHTS[network][0]
    return {first.file: first.sha256}


def need_channels(noisy: Any, channels: int, name: str) -> None:
    """Raise `Skip` for a picture that the network does not take."""
    if noisy.shape[1] != channels:
        kind = "grey (1 channel)" if channels == 1 else "RGB (3 channels)"
        raise nb.Skip(f"{name} with these weights is for {kind} pictures, not {noisy.shape[1]} channels")


def stack(layers: Layers, widths: list[int]) -> Any:
    """3x3 convolutions of these widths with ReLU between them. Raises `UsageError` where the layers differ."""
    from torch import nn

    shapes = [tuple(kernel.shape) for kernel, _ in layers]
    due = [(out, into, 3, 3) for into, out in pairwise(widths)]
    if shapes != due:
        raise nb.UsageError(
            f"these {len(shapes)} convolutions have other shapes than the {len(due)} of this network: give its file"
        )
    modules: list[Any] = []
    for kernel, bias in layers:
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1, bias=bias is not None)
        conv.load_state_dict({"weight": kernel} if bias is None else {"weight": kernel, "bias": bias})
        modules += [conv, nn.ReLU()]
    return nn.Sequential(*modules[:-1]).eval().requires_grad_(False)


def numbered(tensors: Mapping[str, Any]) -> Layers:
    """Layers of a file whose convolutions are numbered: `conv03.weight` or `model.6.weight`, with bias."""
    numbers = {int(m[1]): name for name in tensors if (m := re.search(r"(\d+)\.weight$", name))}
    names = [numbers[n].removesuffix("weight") for n in sorted(numbers)]
    return [(tensors[f"{name}weight"], tensors[f"{name}bias"]) for name in names]
