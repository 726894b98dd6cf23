from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
import torch.nn.functional as F
from annotated_types import Ge, Le
from noisebench.recipes.archs._classes import channels_and_classes
from noisebench.recipes.archs._pictures import Width
from torch import nn

_RESNET = "K. He et al., Deep residual learning for image recognition, CVPR 2016"


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(width)
        self.past: nn.Module = nn.Identity()
        if stride > 1 or channels != width:
            self.past = nn.Sequential(nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Any) -> Any:
        y = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.past(x) + self.second_norm(self.second(y)))


@nb.arch("small_resnet", cite=_RESNET)
class SmallResNet(nn.Module):
    """Small residual classifier: three stages of residual blocks, each at half the sides of the one before.

    width: channels of the first stage, twice and four times as many of the others; `blocks` a stage. With width=16 and
    blocks=3 it is the ResNet-20 for CIFAR-10 but for its shortcuts, which are convolutions. Sides may be of any length.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        blocks: Annotated[int, Ge(1), Le(100)] = 1,
    ) -> None:
        super().__init__()
        channels, classes = channels_and_classes(given, wanted)
        self.first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        layers, wide = [], width
        for stage in range(3):
            for block in range(blocks):
                layers.append(_ResidualBlock(wide, width * 2**stage, 2 if stage and not block else 1))
                wide = width * 2**stage
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(wide, classes)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(F.relu(self.norm(self.first(x)))).mean(dim=(2, 3)))
