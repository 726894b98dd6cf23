"""What inpainting networks are made of: encoder, decoder, and attention that fills features from patches elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
import torch
import torch.nn.functional as F
from torch import nn

REDUCED = 8
"""How many times as coarse the features are as the picture."""
_RATES = (2, 4, 8, 16)
"""Dilation of the last four convolutions of an encoder."""
_SHARPNESS = 50.0
"""What similarities are multiplied with before the softmax."""
_LEAST_VARIANCE = 1e-12
"""Of distances, so that equal ones have a gradient."""
_SCORES = 1 << 24
"""Similarities that are held at once, at most."""


def start(net: nn.Module) -> None:
    """Variances of He et al. (ICCV 2015), by which no signal fades; decoders give hardly more than grey at first."""
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    for decoder in net.modules():
        if isinstance(decoder, Decoder):
            nn.init.normal_(decoder.head.weight, std=1e-3)


def apart(x: Any, channels: int, name: str) -> tuple[Any, Any]:
    """A picture, 0 where it is missing, and its mask (N, 1, H, W), 1 where known. Raises `UsageError` without one."""
    if x.shape[1] != channels + 1:
        raise nb.UsageError(f"arch {name} is told which pixels are known: use it as inpainter(arch={name}, …)")
    known = (x[:, channels:] > 0).to(x.dtype)
    return x[:, :channels] * known, known


class SharedKernel(nn.Module):
    """Dilated 3x3 convolutions of one kernel: each rate has a scale and a shift of its own for each channel."""

    def __init__(self, width: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.rates = tuple(rates)
        self.weight = nn.Parameter(torch.empty(width, width, 3, 3))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        self.scale = nn.Parameter(torch.ones(len(rates), width))
        self.shift = nn.Parameter(torch.zeros(len(rates), width))

    def forward(self, x: Any) -> Any:
        for rate, scale, shift in zip(self.rates, self.scale, self.shift, strict=True):
            x = F.elu(F.conv2d(x, self.weight * scale[:, None, None, None], shift, padding=rate, dilation=rate))
        return x


def dilated(width: int, *, shared: bool) -> nn.Module:
    """Four dilated 3x3 convolutions, each with a kernel of its own or all with one."""
    if shared:
        return SharedKernel(width, _RATES)
    layers = (nn.Conv2d(width, width, 3, padding=rate, dilation=rate) for rate in _RATES)
    return nn.Sequential(*(layer for one in layers for layer in (one, nn.ELU())))


class Encoder(nn.Module):
    """A picture and its mask, sides multiples of 8 → features (N, 8 width, H / 8, W / 8)."""

    def __init__(self, channels: int, width: int, *, shared: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels + 1, width, 5, padding=2), nn.ELU()]
        for level in range(3):
            before, after = width * 2**level, width * 2 ** (level + 1)
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ELU()]
            layers += [nn.Conv2d(after, after, 3, padding=1), nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.dilated = dilated(8 * width, shared=shared)

    def forward(self, picture: Any, known: Any) -> Any:
        # On [-1, 1], where black is what is missing, as its authors have it.
        return self.dilated(self.layers(torch.cat([2 * picture - 1, known], dim=1)))


class Decoder(nn.Module):
    """Features → a picture."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for level in reversed(range(3)):
            before, after = width * 2 ** (level + 1), width * 2**level
            layers += [nn.Conv2d(before, before, 3, padding=1), nn.ELU(), nn.Upsample(scale_factor=2)]
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ELU()]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, features: Any) -> Any:
        return (self.head(self.layers(features)) + 1) / 2


class Attention(nn.Module):
    """Features beside what they become where patches of known ones fill the holes, mixed by a 1x1 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * width, width, 1)

    def forward(self, features: Any, known: Any) -> Any:
        cells = -F.max_pool2d(-known, REDUCED)
        filled = torch.stack([attended(one, whole > 0) for one, whole in zip(features, cells[:, 0], strict=True)])
        return F.elu(self.mix(torch.cat([features, filled], dim=1)))


def attended(features: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Features (C, H, W) whose cells that are not `known` (H, W) are made of 3x3 patches all of whose cells are.

    Each patch about such a cell becomes a mean of those: by the softmax over 50 s, where s is minus the tanh of the
    squared distance between two patches, standardised over all that are looked at. Where patches overlap, the mean is
    taken. Where no patch is known as a whole, the features stay as they are.
    """
    height, width = known.shape
    patches = F.unfold(F.pad(features[None], (1, 1, 1, 1), mode="replicate"), 3)[0]
    around = F.pad(known[None, None].to(features.dtype), (1, 1, 1, 1), mode="replicate")
    whole = (-F.max_pool2d(-around, 3, stride=1)).flatten().nonzero()[:, 0]
    holes = (~known).flatten().nonzero()[:, 0]
    if not len(whole) or not len(holes):
        return features
    sources = patches.index_select(1, whole)
    targets = torch.split(patches.index_select(1, holes), max(1, _SCORES // len(whole)), dim=1)
    means = torch.cat([_mean_patches(part, sources) for part in targets], dim=1)
    laid = torch.zeros_like(patches).index_copy(1, holes, means.to(patches.dtype))
    total = F.fold(laid[None], (height + 2, width + 2), 3)[0, :, 1:-1, 1:-1]
    lying = F.avg_pool2d((~known)[None].to(features.dtype), 3, stride=1, padding=1) * 9
    return torch.where(known, features, total / lying.clamp_min(1))


def _mean_patches(targets: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Of each patch (D, N) the mean of the sources (D, M) that it resembles, (D, N)."""
    # The square of a patch itself is in all of its distances, and so in none once they are standardised.
    distance = torch.addmm(sources.square().sum(dim=0), targets.T, sources, alpha=-2)
    centred = distance - distance.mean(dim=1, keepdim=True)
    spread = (centred.square().mean(dim=1, keepdim=True) + _LEAST_VARIANCE).sqrt()
    return sources @ torch.softmax(-_SHARPNESS * torch.tanh(centred / spread), dim=1).T
