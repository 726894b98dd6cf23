"""A small network that tells true pictures from generated ones, place by place."""

from __future__ import annotations

import itertools
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


class Judge(nn.Module):
    """A number for each place of a picture, which is given beside the degraded one: above 0 it is held to be true.

    Two halvings and 3x3 convolutions: a place is told by some 20 pixels around it.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        widths = [2 * channels, width, 2 * width, 4 * width]
        layers: list[nn.Module] = []
        for place, (before, after) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Conv2d(before, after, 3, stride=2 if place else 1, padding=1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, picture: Any, degraded: Any) -> Any:
        """Both (N, C, H, W) on [-1, 1]."""
        return self.layers(torch.cat([picture, degraded], dim=1))

    def doubt(self, picture: Any, degraded: Any) -> Any:
        """The generator's loss: how little its picture passes for a true one. The judge itself gets no gradient."""
        frozen = [parameter.requires_grad_(False) for parameter in self.parameters()]
        doubt = F.softplus(-self(picture, degraded)).mean()
        for parameter in frozen:
            parameter.requires_grad_(True)
        return doubt

    def mistakes(self, true: Any, generated: Any, degraded: Any) -> Any:
        """The judge's loss: how little it tells true pictures from generated ones. The generator gets no gradient."""
        return F.softplus(-self(true, degraded)).mean() + F.softplus(self(generated.detach(), degraded)).mean()
