from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import noisebench as nb
from annotated_types import Ge, Le
from noisebench.recipes.archs._pictures import Width, channels_and_scale, head, padded
from torch import nn


@nb.arch("autoencoder", cite="G. E. Hinton, R. Salakhutdinov, Reducing the dimensionality of data, Science 313, 2006")
class Autoencoder(nn.Module):
    """Autoencoder: strided convolutions down to a narrow code and back, with nothing that goes around it.

    width: channels after the first of `depth` halvings; each next one has twice as many. code: channels of the code, so
    that code / 4**depth values a pixel pass. Sides may be of any length.
    """

    def __init__(
        self,
        given: Sequence[int],
        wanted: Sequence[int],
        *,
        width: Width = 16,
        depth: Annotated[int, Ge(1), Le(8)] = 3,
        code: Width = 8,
    ) -> None:
        super().__init__()
        channels, self.out, self.scale = channels_and_scale(given, wanted)
        widths = [width * 2**level for level in range(depth)]
        down: list[nn.Module] = []
        for before, after in zip([channels, *widths[:-1]], widths, strict=True):
            down += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(*down, nn.Conv2d(widths[-1], code, 1))
        up: list[nn.Module] = [nn.Conv2d(code, widths[-1], 1), nn.ReLU()]
        for before, after in zip(widths[::-1], [*widths[-2::-1], width], strict=True):
            up += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
        self.decoder = nn.Sequential(*up, head(width, self.out, self.scale, bias=True))
        self.multiple = 2**depth

    def forward(self, x: Any) -> Any:
        height, width = x.shape[-2:]
        y = self.decoder(self.encoder(padded(x, self.multiple)))
        return y[..., : height * self.scale, : width * self.scale]
