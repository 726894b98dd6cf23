from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import noisebench as nb
from noisebench.recipes.archs._classes import Activation, activated, channels_and_classes
from noisebench.recipes.archs._pictures import Width
from torch import nn


@nb.arch("small_cnn")
class SmallCNN(nn.Module):
    """Small convolutional classifier: three convolutions, each at half the sides, and a mean over what is left.

    width: channels of the first, twice and four times as many of the others. norm: batch norm behind each. Sides may be
    of any length.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        norm: bool = True,
        activation: Activation = "relu",
    ) -> None:
        super().__init__()
        channels, classes = channels_and_classes(given, wanted)
        layers: list[nn.Module] = []
        for level in range(3):
            wide = width * 2**level
            layers.append(nn.Conv2d(channels, wide, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(wide))
            layers.append(activated(activation))
            if level < 2:
                layers.append(nn.MaxPool2d(2, ceil_mode=True))
            channels = wide
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Any) -> Any:
        return self.head(self.body(x).mean(dim=(2, 3)))
